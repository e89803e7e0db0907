"""How close is too close, read off the distances of items to their nearest neighbours.

Either they fall into two populations (bursts, templates, edits against the rest), and the border between them is the
threshold; or they do not, and only the extreme lower tail of the one population counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray

SAME_DISTANCE = 1e-4  # cosine distance below which two items are the same but for rounding
_LARGEST_DISTANCE = 0.2  # never a near-duplicate beyond, whatever the data says
_TAIL_DEVIATIONS = 2.5
_SEPARATION = 2.0  # Ashman's D above which two normal populations are distinct
_BIC_MARGIN = 10.0
_FEWEST_ITEMS = 20  # with fewer, only items that are the same are joined


def border_distance(nearest: FloatArray) -> float:
    """The border between near-duplicates and the rest, given the cosine distance of each item to its nearest, shape (n,)."""
    logs = np.log(nearest[(nearest > SAME_DISTANCE) & np.isfinite(nearest)])
    if len(logs) < _FEWEST_ITEMS:
        return SAME_DISTANCE
    centre = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - centre))) or 1e-6
    border = _border_of_two_populations(logs)
    if border is None:
        border = centre - _TAIL_DEVIATIONS * spread
    return float(np.clip(np.exp(border), SAME_DISTANCE, _LARGEST_DISTANCE))


def _border_of_two_populations(values: FloatArray) -> float | None:
    """Where a mixture of two normals crosses, or None unless it beats one normal by BIC and the two are distinct."""
    n = len(values)
    low, high = np.quantile(values, [0.1, 0.6])
    mean, deviation, share = np.array([low, high]), np.full(2, values.std() / 2 + 1e-6), np.array([0.3, 0.7])
    density = np.empty((2, n))
    for _ in range(100):
        density = share[:, None] * _normal(values, mean[:, None], deviation[:, None])
        part = density / density.sum(axis=0)
        mass = part.sum(axis=1) + 1e-9
        mean = part @ values / mass
        deviation = np.sqrt((part * np.square(values - mean[:, None])).sum(axis=1) / mass) + 1e-3
        share = mass / n
    one = np.log(_normal(values, values.mean(), values.std() + 1e-3)).sum()
    gain = 2.0 * (np.log(density.sum(axis=0)).sum() - one) - 3.0 * np.log(n)
    separation = np.sqrt(2.0) * abs(mean[1] - mean[0]) / np.hypot(*deviation)
    if gain < _BIC_MARGIN or separation < _SEPARATION:
        return None
    between = np.linspace(mean.min(), mean.max(), 201)
    lower, upper = np.argmin(mean), np.argmax(mean)
    ratio = share[lower] * _normal(between, mean[lower], deviation[lower]) - share[upper] * _normal(
        between, mean[upper], deviation[upper]
    )
    return float(between[np.argmin(np.abs(ratio[1:-1])) + 1])


def _normal(x: FloatArray, mean: FloatArray | float, deviation: FloatArray | float) -> FloatArray:
    return np.exp(-0.5 * np.square((x - mean) / deviation)) / deviation / np.sqrt(2.0 * np.pi) + 1e-300
