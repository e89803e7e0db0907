"""Similar features: near-duplicates among rows of numbers that came without the items they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.groups import join_pairs
from headstart.data.nearest_distances import border_distance
from headstart.data.similar_pairs import SimilarPairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.data.groups import NearDuplicates

_CHUNK_CELLS = 2**19  # of a block of distances: 2 MB, whatever the number of items
_FEWEST_DIMENSIONS = 16


def join_similar_features(features: FloatArray, given: IntArray | None = None) -> NearDuplicates:
    """Join rows (n, d) that are closer than the data's own threshold, as cosine distance between centred rows.

    `given`, shape (n,), are groups of the user's that stay together as well.
    """
    n, d = features.shape
    if d < _FEWEST_DIMENSIONS:  # few directions: all is close to something
        return join_pairs(n, SimilarPairs.of_equal([row.tobytes() for row in features]), given)
    unit = _centred_unit_rows(features)
    nearest = np.array([0.0] * n)
    for rows, distances in _distances(unit, np.arange(n)):
        nearest[rows] = distances.min(axis=1, initial=2.0)
    distance = border_distance(nearest)
    return join_pairs(n, _pairs(unit, np.flatnonzero(nearest <= distance), distance), given)


def _centred_unit_rows(features: FloatArray) -> FloatArray:
    largest = float(np.abs(features).max(initial=0.0)) or 1.0
    x = np.asarray(features / largest, dtype=np.float32)
    x -= x.mean(axis=0)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return x


def _distances(unit: FloatArray, index: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cosine distances from some items to all, a chunk at a time; an item is infinitely far from itself."""
    n_rows = max(1, _CHUNK_CELLS // len(unit))
    for start in range(0, len(index), n_rows):
        rows = index[start : start + n_rows]
        distances = 1.0 - unit[rows] @ unit.T
        distances[np.arange(len(rows)), rows] = np.inf
        yield rows, distances


def _pairs(unit: FloatArray, index: IntArray, distance: float) -> SimilarPairs:
    """All pairs within `distance`."""
    pairs = [SimilarPairs.none()]
    for rows, distances in _distances(unit, index):
        left, right = np.nonzero(distances <= distance)
        pairs.append(SimilarPairs(rows[left], right, 1.0 - distances[left, right]))
    return pairs[0].join(*pairs[1:])
