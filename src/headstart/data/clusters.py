"""Conditions: clusters of like items, left out whole to estimate how a model fares where it has not been.

A class of m items falls into about sqrt(m) clusters of about sqrt(m) items. Items of one shelf, one author, one week tend
to lie together; predicting each cluster from the others asks what happens on the next shelf.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.modalities import modality_of_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Field, FloatArray, IntArray

_MAX_STEPS = 20
_MOST_ITEMS, _MOST_CLUSTERS = 20_000, 256  # that centres are found with; the others go to the nearest
_TOGETHER = 20_000


class Descriptions:
    """What items are clustered by: a few numbers each that depend on no source; computed when they are first needed."""

    def __init__(self, items: Sequence[Any], fields: tuple[Field, ...]) -> None:
        self._items, self._fields = items, fields

    @cached_property
    def values(self) -> FloatArray:
        """Shape (n, d), by `Modality.describe`."""
        return modality_of_fields(self._fields).describe(self._items)


def cluster_items(features: FloatArray, strata: IntArray, duplicates: IntArray, *, seed: int) -> IntArray:
    """Number the cluster of each item, shape (n,); near-duplicates share a cluster.

    Parameters
    ----------
    features : shape (n, d), as `Descriptions` gives them
    strata : shape (n,), as `TaskSpec.strata` gives them; each is clustered by itself
    duplicates : shape (n,), groups that are never parted
    """
    x = np.asarray(features, dtype=np.float32)
    x = x - x.mean(axis=0)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    rng = np.random.default_rng(seed)
    clusters, start = np.empty(len(x), dtype=np.int64), 0
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        n_clusters = max(1, round(np.sqrt(len(members))))
        clusters[members] = start + _k_means(x[members], n_clusters, rng)
        start += n_clusters
    _, first, inverse = np.unique(duplicates, return_index=True, return_inverse=True)
    return clusters[first][inverse]


def _k_means(x: FloatArray, n_clusters: int, rng: np.random.Generator) -> IntArray:
    """Lloyd's iterations from k-means++ seeds, of many items on a sample of them; shape (n,)."""
    if len(x) <= _MOST_ITEMS:
        return _lloyd(x, n_clusters, rng)[0]
    sample = x[np.sort(rng.choice(len(x), _MOST_ITEMS, replace=False))]
    return _nearest(x, _lloyd(sample, min(n_clusters, _MOST_CLUSTERS), rng)[1])


def _lloyd(x: FloatArray, n_clusters: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """The cluster of each item, shape (n,), and the centres."""
    centres = x[_spread_seeds(x, n_clusters, rng)]
    nearest = np.full(len(x), -1)
    for _ in range(_MAX_STEPS):
        previous = nearest
        nearest = _nearest(x, centres)
        if np.array_equal(nearest, previous):
            break
        member = np.zeros((n_clusters, len(x)), dtype=np.float32)
        member[nearest, np.arange(len(x))] = 1.0
        sizes = member.sum(axis=1)
        centres = np.where(sizes[:, None] > 0, member @ x / np.maximum(sizes, 1.0)[:, None], centres)
    return nearest, centres


def _nearest(x: FloatArray, centres: FloatArray) -> IntArray:
    """The nearest centre of each item, shape (n,), some items at a time."""
    lengths = 0.5 * np.square(centres).sum(axis=1)
    parts = [x[first : first + _TOGETHER] for first in range(0, len(x), _TOGETHER)]
    return np.concatenate([(part @ centres.T - lengths).argmax(axis=1) for part in parts])


def _spread_seeds(x: FloatArray, n_seeds: int, rng: np.random.Generator) -> list[int]:
    """Arthur and Vassilvitskii, k-means++, SODA 2007."""
    seeds = [int(rng.integers(len(x)))]
    distance = np.square(x - x[seeds[0]]).sum(axis=1)
    while len(seeds) < n_seeds:
        total = float(distance.sum())
        chance = distance / total if total > 0 else np.full(len(x), 1.0 / len(x))
        seeds.append(int(rng.choice(len(x), p=chance / chance.sum())))
        distance = np.minimum(distance, np.square(x - x[seeds[-1]]).sum(axis=1))
    return seeds
