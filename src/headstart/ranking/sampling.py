"""Nested samples for a ranking: stratified by class, with whole groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray

_N_EACH = 3  # of each class before proportional sampling: a head needs some of each


def sampling_order(strata: IntArray, groups: IntArray, *, seed: int) -> list[IntArray]:
    """Order the groups, as positions of their items, so that every prefix is a stratified sample.

    First come some of each stratum, then all strata in proportion to their frequency; a group has the stratum of its first item.
    """
    _, group = np.unique(groups, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(group))
    order = shuffled[np.argsort(group[shuffled], kind="stable")]  # group by group, shuffled within
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    members = [members[i] for i in np.random.default_rng(seed).permutation(len(members))]
    strata = strata[[int(m[0]) for m in members]]
    keys = np.empty(len(members))
    for stratum in np.unique(strata):
        index = np.flatnonzero(strata == stratum)
        rank = np.arange(len(index))
        keys[index] = np.where(rank < _N_EACH, rank - _N_EACH, (rank + 0.5) / len(index))
    return [members[i] for i in np.argsort(keys, kind="stable")]


def first_items(order: list[IntArray], size: int) -> IntArray:
    """Positions of at most `size` items, sorted: whole groups in order, skipping those that do not fit; if none fits, parts."""
    taken: list[IntArray] = []
    left = size
    for members in order:
        if len(members) <= left:
            taken.append(members)
            left -= len(members)
    everything = np.concatenate([np.empty(0, dtype=np.int64), *order])
    return np.sort(np.concatenate(taken) if taken else everything[:size])
