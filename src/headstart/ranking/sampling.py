"""Which items a ranking looks at first: nested samples with classes spread evenly and groups whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray

_N_EACH = 3  # of every class before the rest comes in proportion: a head needs some of each


def sampling_order(strata: IntArray, groups: IntArray, *, seed: int) -> list[IntArray]:
    """Give the groups, as positions of their items, in an order whose every beginning is a fair sample.

    First some of each class, then all classes in proportion to their frequency; a group counts for the class of its first
    item. Of several labels the rarest counts; values are dealt by quarters.
    """
    _, group = np.unique(groups, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(group))
    order = shuffled[np.argsort(group[shuffled], kind="stable")]  # group by group, shuffled within
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    members = [members[i] for i in np.random.default_rng(seed).permutation(len(members))]
    strata = strata[[int(m[0]) for m in members]]
    keys = np.empty(len(members))
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        rank = np.arange(len(places))
        keys[places] = np.where(rank < _N_EACH, rank - _N_EACH, (rank + 0.5) / len(places))
    return [members[i] for i in np.argsort(keys, kind="stable")]


def beginning(order: list[IntArray], size: int) -> IntArray:
    """Positions of at most `size` items, sorted: whole groups in order, leaving out those that do not fit."""
    taken: list[IntArray] = []
    left = size
    for members in order:
        if len(members) <= left:
            taken.append(members)
            left -= len(members)
    return np.sort(np.concatenate(taken)) if taken else np.array([], dtype=np.int64)
