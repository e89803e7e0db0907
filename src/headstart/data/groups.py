"""Groups: items chained by similar pairs, which must not stand on both sides of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.nearest_distances import SAME_DISTANCE

if TYPE_CHECKING:
    from headstart.core.arrays import IntArray
    from headstart.core.dataset import Dataset
    from headstart.data.similar_pairs import SimilarPairs

_LARGEST_SHARE, _LARGE = 0.2, 10


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """Which items belong together.

    Attributes
    ----------
    groups : shape (n,), the group of each item; an item with no near-duplicate is a group of its own
    similarity : of the least similar pair that was joined, as its modality measures it; 1 where only equal items were
    """

    groups: IntArray
    similarity: float

    @property
    def n_groups(self) -> int:
        """How many groups there are, single items included."""
        return len(np.unique(self.groups))

    @property
    def sizes(self) -> IntArray:
        """How many items the group of each has, shape (n,)."""
        _, number, counts = np.unique(self.groups, return_inverse=True, return_counts=True)
        return counts[number]

    def sets(self) -> list[IntArray]:
        """Positions of the members of each group of two or more, largest first."""
        order = np.argsort(self.groups, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1)
        return sorted((p for p in parts if len(p) > 1), key=lambda p: (-len(p), int(p[0])))

    def among(self, dataset: Dataset) -> NearDuplicates:
        """The same for the items of a dataset that are left, which has these groups."""
        assert dataset.groups is not None
        return NearDuplicates(groups=dataset.groups, similarity=self.similarity)


def join_pairs(n: int, pairs: SimilarPairs, given: IntArray | None = None) -> NearDuplicates:
    """Join n items by chains of pairs; where a chain takes in over a fifth of them, only more similar pairs count.

    `given`, shape (n,), are groups of the user's that stay together as well.
    """
    least = float(pairs.similarity.min(initial=1.0))
    while least < 1.0 - SAME_DISTANCE:
        largest = int(np.bincount(_components(n, pairs.left, pairs.right)).max(initial=0))
        if largest <= max(_LARGE, _LARGEST_SHARE * n):
            break
        pairs = pairs.above(min(1.0 - 0.7 * (1.0 - least), 1.0 - SAME_DISTANCE))
        least = float(pairs.similarity.min(initial=1.0))
    left, right = pairs.left, pairs.right
    if given is not None:
        order = np.argsort(given, kind="stable")
        same = given[order][1:] == given[order][:-1]
        left, right = np.concatenate([left, order[1:][same]]), np.concatenate([right, order[:-1][same]])
    return NearDuplicates(groups=_components(n, left, right), similarity=least)


def _components(n: int, left: IntArray, right: IntArray) -> IntArray:
    """Connected components, numbered in order of appearance, shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
