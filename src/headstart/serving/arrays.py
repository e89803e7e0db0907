"""Prepared arrays of several requests become one batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.model import Batch


def n_rows(batch: Batch) -> int:
    """Count the items of a batch.

    >>> n_rows({"ids": np.zeros((2, 5))})
    2
    """
    return len(next(iter(batch.values())))


def width(batch: Batch) -> int:
    """Count the numbers that one item is in the largest of the arrays.

    >>> width({"ids": np.zeros((2, 5)), "rows": np.zeros(2)})
    5
    """
    return max((math.prod(array.shape[1:]) for array in batch.values()), default=0)


def stack(batches: Sequence[Batch]) -> Batch:
    """Put batches one below the other; shorter rows are padded with zeros, as `transform` pads.

    >>> stack([{"ids": np.array([[1, 2]])}, {"ids": np.array([[3]])}])["ids"].tolist()
    [[1, 2], [3, 0]]
    """
    if len(batches) == 1:
        return batches[0]
    return {name: _padded([batch[name] for batch in batches]) for name in batches[0]}


def _padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) == 1:
        return np.concatenate(arrays)
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    padded = np.zeros((sum(map(len, arrays)), *longest), arrays[0].dtype)
    first = 0
    for array in arrays:
        corner = (slice(first, first + len(array)), *(slice(0, n) for n in array.shape[1:]))
        padded[corner] = array
        first += len(array)
    return padded
