"""Similar pairs: which items are nearly the same by their contents, and how nearly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from headstart.core.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class SimilarPairs:
    """Pairs of items, each once; chains of pairs are groups, so that of many equal items n - 1 pairs are enough.

    Attributes
    ----------
    left, right : shape (m,), positions of the items
    similarity : shape (m,), 1 for items that are the same
    """

    left: IntArray
    right: IntArray
    similarity: FloatArray

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def none(cls) -> SimilarPairs:
        """No pairs."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))

    @classmethod
    def of_equal(cls, values: Sequence[Hashable]) -> SimilarPairs:
        """Pair each value with the one before it that is equal.

        >>> pairs = SimilarPairs.of_equal(["a", "b", "a", "a"])
        >>> pairs.left.tolist(), pairs.right.tolist()
        ([0, 2], [2, 3])
        """
        last: dict[Hashable, int] = {}
        found = []
        for place, value in enumerate(values):
            if value in last:
                found.append((last[value], place))
            last[value] = place
        left, right = np.array(found, dtype=np.int64).reshape(-1, 2).T
        return cls(left, right, np.ones(len(found)))

    @classmethod
    def of_equal_numbers(cls, numbers: IntArray) -> SimilarPairs:
        """The same for an array.

        >>> SimilarPairs.of_equal_numbers(np.array([7, 8, 7, 7])).right.tolist()
        [2, 3]
        """
        order = np.argsort(numbers, kind="stable")
        same = numbers[order][1:] == numbers[order][:-1]
        left, right = order[:-1][same], order[1:][same]
        return cls(left, right, np.ones(len(left)))

    def where_left(self, keep: np.ndarray) -> SimilarPairs:
        """Those whose left item is one where `keep`, shape (n,), is true."""
        return self.where(keep[self.left])

    def join(self, *others: SimilarPairs) -> SimilarPairs:
        """These pairs and others."""
        parts = (self, *others)
        return SimilarPairs(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in ("left", "right", "similarity"))
        )

    def at(self, places: IntArray) -> SimilarPairs:
        """The same pairs among the items of which these are at `places`."""
        return SimilarPairs(places[self.left], places[self.right], self.similarity)

    def above(self, similarity: float) -> SimilarPairs:
        """Those at least so similar."""
        return self.where(self.similarity >= similarity)

    def where(self, keep: np.ndarray) -> SimilarPairs:
        """Those at the places where `keep`, shape (m,), is true."""
        return SimilarPairs(self.left[keep], self.right[keep], self.similarity[keep])
