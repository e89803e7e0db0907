"""Strata of a numeric target, used where classes would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray, IntArray

N_QUARTERS = 4


def quarters(values: FloatArray) -> IntArray:
    """Rank quartile of each value, 0 to 3, shape (n,); ties are ranked in order of appearance.

    >>> quarters(np.array([3.0, 1.0, 2.0, 9.0, 5.0, 4.0, 8.0, 7.0]))
    array([1, 0, 0, 3, 2, 1, 3, 2])
    """
    ranks = values.argsort(kind="stable").argsort(kind="stable")
    return np.asarray(ranks * N_QUARTERS // len(ranks))
