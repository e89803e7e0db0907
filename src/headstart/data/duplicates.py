"""Exact duplicates: items that are the same byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from headstart.core.dataset import IntArray


def exact_duplicates(hashes: Iterable[Hashable]) -> IntArray:
    """Number the distinct contents: items with the same hash get the same number.

    Parameters
    ----------
    hashes : n of them
        A digest of each item's content, in the order of the items.

    Returns
    -------
    shape (n,), int64: 0 for the first content met, 1 for the second, and so on.

    Examples
    --------
    >>> exact_duplicates(["a", "b", "a", "c"])
    array([0, 1, 0, 2])
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in hashes], dtype=np.int64)
