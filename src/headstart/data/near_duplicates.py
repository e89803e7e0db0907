"""Near-duplicates: items so close in feature space that they must not stand on both sides of a split.

How close is too close is read off the data: the distances to the nearest neighbour either fall into two populations
(bursts, templates, edits against the rest), and the border between them is the threshold; or they do not, and only the
extreme lower tail of the one population counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import FloatArray, IntArray

_CHUNK_CELLS = 2**19  # of a block of distances: 2 MB, whatever the number of items
_SAME_DISTANCE = 1e-4  # cosine distance below which two items are the same but for rounding
_LARGEST_DISTANCE = 0.2  # never a near-duplicate beyond, whatever the data says
_TAIL_DEVIATIONS = 2.5
_SEPARATION = 2.0  # Ashman's D above which two normal populations are distinct
_BIC_MARGIN = 10.0
_LARGEST_GROUP_SHARE = 0.2
_FEWEST_DIMENSIONS = 16
_FEWEST_ITEMS = 20  # with fewer, only items that are the same are joined


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """Which items belong together.

    Attributes
    ----------
    groups : shape (n,), the group of each item; an item with no near-duplicate is a group of its own
    distance : the cosine distance in centred feature space up to which items were joined
    """

    groups: IntArray
    distance: float

    @property
    def n_groups(self) -> int:
        """How many groups there are, single items included."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def sets(self) -> list[IntArray]:
        """Positions of the members of each group of two or more, largest first."""
        order = np.argsort(self.groups, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1)
        return sorted((p for p in parts if len(p) > 1), key=lambda p: (-len(p), int(p[0])))


def find_near_duplicates(features: FloatArray, given: IntArray | None = None) -> NearDuplicates:
    """Join items whose features (n, d) are closer than the data's own threshold.

    `given`, shape (n,), are groups of the user's that stay together as well.
    """
    n, d = features.shape
    if d < _FEWEST_DIMENSIONS:  # few directions: all is close to something
        return NearDuplicates(groups=_equal_rows(features, given), distance=0.0)
    unit = _centred_unit_rows(features)
    nearest = np.array([0.0] * n)
    for rows, distances in _distances(unit, np.arange(n)):
        nearest[rows] = distances.min(axis=1, initial=2.0)
    distance = _threshold(nearest)
    while True:
        groups = _join(unit, np.flatnonzero(nearest <= distance), distance, given)
        own_groups = groups if given is None else _join(unit, np.flatnonzero(nearest <= distance), distance, None)
        largest = int(np.bincount(own_groups).max(initial=0))
        if largest <= max(10, _LARGEST_GROUP_SHARE * n) or distance <= _SAME_DISTANCE:
            return NearDuplicates(groups=groups, distance=distance)
        distance = max(distance * 0.7, _SAME_DISTANCE)  # chains of neighbours swallowed the data: be stricter


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


def _join(unit: FloatArray, index: IntArray, distance: float, given: IntArray | None) -> IntArray:
    """Connected components of the pairs within `distance`, numbered in order of appearance."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(unit)
    pairs = []
    for rows, distances in _distances(unit, index):
        left, right = np.nonzero(distances <= distance)
        pairs.append(np.stack([rows[left], right]))
    if given is not None:
        order = np.argsort(given, kind="stable")
        same = given[order][1:] == given[order][:-1]
        pairs.append(np.stack([order[1:][same], order[:-1][same]]))
    left, right = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _equal_rows(features: FloatArray, given: IntArray | None) -> IntArray:
    rows = np.unique(features, axis=0, return_inverse=True)[1].reshape(-1)
    return rows if given is None else np.unique(given, return_inverse=True)[1].reshape(-1)


def _threshold(nearest: FloatArray) -> float:
    """The border between near-duplicates and the rest, as a cosine distance."""
    logs = np.log(nearest[(nearest > _SAME_DISTANCE) & np.isfinite(nearest)])
    if len(logs) < _FEWEST_ITEMS:
        return _SAME_DISTANCE
    centre = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - centre))) or 1e-6
    border = _border_of_two_populations(logs)
    if border is None:
        border = centre - _TAIL_DEVIATIONS * spread
    return float(np.clip(np.exp(border), _SAME_DISTANCE, _LARGEST_DISTANCE))


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
