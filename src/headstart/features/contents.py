"""Contents: which items are the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Contents:
    """The distinct contents among n items, numbered in the order of their keys; equal items share a number.

    Attributes
    ----------
    unique : their keys
    first : the first item of each
    number : shape (n,), the content of each item
    is_unreadable : whether the key is empty
    n_readable : how many are readable

    >>> contents = Contents(np.array([b"b", b"a", b"b"]))
    >>> contents.number.tolist(), contents.positions(1).tolist()
    ([1, 0, 1], [0, 2])
    """

    def __init__(self, keys: NDArray[np.bytes_]) -> None:
        self.unique, self.first, self.number = np.unique(keys, return_index=True, return_inverse=True)
        self.is_unreadable = self.unique == b""
        self.n_readable = int((~self.is_unreadable).sum())
        self._order = np.argsort(self.number, kind="stable")
        self._starts = np.searchsorted(self.number[self._order], np.arange(len(self.unique) + 1))

    def positions(self, number: int) -> NDArray[np.intp]:
        """Where a content stands among the items."""
        return self._order[self._starts[number] : self._starts[number + 1]]
