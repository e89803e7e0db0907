"""Quantiles of Student's t, for standard errors estimated from few groups."""

from __future__ import annotations

import math

Z_95 = 1.959964
"""Half of a normal 95 % interval, in standard errors."""


def student_t(degrees: float, z: float = Z_95) -> float:
    """Quantile of Student's t with the same tail probability as `z` of a normal distribution.

    Uses the Cornish-Fisher series (Abramowitz and Stegun 26.7.5), which fails below 3 degrees. There it uses the closed forms for
    1 and 2 degrees, with the logarithm interpolated linearly in 1/degrees between whole numbers (within 3 %).

    Parameters
    ----------
    degrees : of freedom, >= 1, whole or not
    z : > 0; the default gives a two-sided 95 % interval

    >>> round(student_t(10), 2), round(student_t(1e6), 2), round(student_t(4, 1.0), 2)
    (2.23, 1.96, 1.14)
    """
    if degrees >= 3:
        return _series(degrees, z)
    p = math.erf(z / math.sqrt(2)) / 2  # between 0 and the quantile
    second = 2 * p * math.sqrt(2 / (1 - 4 * p**2))
    if degrees >= 2:
        return _between(degrees, 2, second, _series(3, z))
    return _between(degrees, 1, math.tan(math.pi * p), second)


def _series(d: float, z: float) -> float:
    return (
        z
        + (z**3 + z) / (4 * d)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * d**3)
    )


def _between(degrees: float, whole: int, at_whole: float, at_next: float) -> float:
    share = (1 / degrees - 1 / (whole + 1)) / (1 / whole - 1 / (whole + 1))
    return math.exp(share * math.log(at_whole) + (1 - share) * math.log(at_next))
