"""Strata of values: kinds of items to spread evenly or to take apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray, IntArray

N_QUARTERS = 4


def quarters(values: FloatArray) -> IntArray:
    """Number the quarter of each value by rank, 0 to 3, shape (n,); equal values go in the order in which they come."""
    ranks = values.argsort(kind="stable").argsort(kind="stable")
    return np.asarray(ranks * N_QUARTERS // len(ranks))
