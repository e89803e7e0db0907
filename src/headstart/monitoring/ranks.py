"""Ranks: each value becomes its rank among the reference and all live values before it, which is uniform while nothing changes.

A rank with ties broken at random is uniform on (0, 1) and independent of those before it as long as reference and live values are
exchangeable, whatever their distribution and however few the reference holds. So a bet on it needs no margin for what the
reference does not know. Values are sorted into bins between quantiles of the reference, so that a member costs the same after a
million values as after none.

References
----------
Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005 (smoothed conformal p-values are independent and uniform).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray, IntArray

N_EDGES = 64
_AT_ONCE = 16  # rows, each compared with those before it


def edges_of(values: FloatArray) -> FloatArray:
    """Quantiles of the reference, distinct and sorted, at most 64; values that are frequent are edges, NaN is left out."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    distinct = np.unique(known)
    if len(distinct) <= N_EDGES:
        return distinct
    return np.unique(np.quantile(known, np.linspace(0, 1, N_EDGES), method="inverted_cdf"))


def bins_of(edges: FloatArray, values: FloatArray) -> IntArray:
    """Number the bin of each value: odd ones are the edges themselves, even ones lie between; -1 where it is missing."""
    values = np.asarray(values, np.float64)
    bins = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), -1, bins)


def counts_of(edges: FloatArray, values: FloatArray) -> IntArray:
    """Count the reference's values in the bins, shape (2 * n_edges + 1,)."""
    bins = bins_of(edges, values)
    return np.bincount(bins[bins >= 0], minlength=2 * len(edges) + 1)


class Ranks:
    """The counts of members side by side.

    Parameters
    ----------
    counts : of each member, by its bins

    Attributes
    ----------
    below : shape (n_members, n_bins + 1): how many values lie in the bins before each; the state, exact in float64
    """

    def __init__(self, counts: Sequence[IntArray]) -> None:
        n_bins = max((len(one) for one in counts), default=1)
        padded = np.zeros((len(counts), n_bins))
        for row, one in zip(padded, counts, strict=True):
            row[: len(one)] = one
        self.below: FloatArray = np.concatenate([np.zeros((len(counts), 1)), padded.cumsum(axis=1)], axis=1)
        self._rows = np.arange(len(counts))

    def walk(self, bins: IntArray, ties: FloatArray) -> FloatArray:
        """Rank values, shape (n, n_members), each among the reference and the rows before it, and count them; NaN where one is missing (bin -1).

        Parameters
        ----------
        ties : shape (n, n_members), uniform numbers that break ties
        """
        parts = range(0, len(bins), _AT_ONCE)
        found = [self._walk(bins[i : i + _AT_ONCE], ties[i : i + _AT_ONCE]) for i in parts]
        return np.concatenate(found) if found else np.zeros(bins.shape)

    def _walk(self, bins: IntArray, ties: FloatArray) -> FloatArray:
        is_there = bins >= 0
        seen = np.maximum(bins, 0)
        earlier = np.tri(len(bins), k=-1, dtype=bool)[:, :, None] & is_there  # [i, j]: row j came before row i
        below = self.below[self._rows, seen] + (earlier & (bins < bins[:, None])).sum(axis=1)
        until = self.below[self._rows, seen + 1] + (earlier & (bins <= bins[:, None])).sum(axis=1)
        ranks = (below + ties * (until - below + 1)) / (self.below[:, -1] + earlier.sum(axis=1) + 1)
        counts = np.zeros((len(self.below), self.below.shape[1] - 1))
        np.add.at(counts, (np.broadcast_to(self._rows, bins.shape)[is_there], bins[is_there]), 1)
        self.below[:, 1:] += counts.cumsum(axis=1)
        return np.where(is_there, ranks, np.nan)


def uniforms(seed: int, start: int, n: int, width: int) -> FloatArray:
    """Uniform numbers, shape (n, width), of places in a stream: the same place always has the same (SplitMix64).

    >>> bool((uniforms(1, 0, 4, 3)[2:] == uniforms(1, 2, 2, 3)).all())
    True
    """
    with np.errstate(over="ignore"):
        places = np.uint64(start * width) + np.arange(n * width, dtype=np.uint64)
        x = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(n, width)
