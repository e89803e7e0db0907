"""Holdout: which items prove and which are trained on; a group is never on both sides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from headstart.core.errors import DataError
from headstart.core.strata import N_QUARTERS, quarters

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray

_SMALL = 1200  # below, every item is held out once, for the interval of the gain to be narrow enough; above, a quarter is enough
_N_FOLDS = 5
_HELD_OUT_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """How the model is proven.

    Attributes
    ----------
    kind : 'given', 'time', 'holdout' or 'cross-validation'
    folds : pairs of positions (trained on, held out); one pair unless 'cross-validation'
    final : positions that the shipped model learns from: all but a given test part
    sentence : the same for people
    least_folds : how many of the first folds hold out two groups, without which nothing has an interval
    """

    kind: Literal["given", "time", "holdout", "cross-validation"]
    folds: tuple[tuple[IntArray, IntArray], ...]
    final: IntArray
    sentence: str
    least_folds: int = 1

    @property
    def train(self) -> IntArray:
        """The positions trained on by what is asked about the held-out ones; of several folds, those of the first."""
        return self.folds[0][0]

    @property
    def test(self) -> IntArray:
        """All held-out positions, fold after fold."""
        return np.concatenate([test for _, test in self.folds])

    def holding_out(self, n_items: int) -> SplitPlan:
        """The same plan with its first folds alone, as many as hold out `n_items`."""
        n_folds = 1 + int(np.searchsorted(np.cumsum([len(test) for _, test in self.folds]), n_items))
        return self if n_folds >= len(self.folds) else self.first(n_folds)

    def first(self, n_folds: int) -> SplitPlan:
        """The same plan with its first folds alone, where the others would take too long; never fewer than `least_folds`."""
        folds = self.folds[: max(n_folds, self.least_folds)]
        n_folds = len(folds)
        n_held_out = sum(len(test) for _, test in folds)
        sentence = f"{n_held_out} of {len(self.final)} items were held out once, in {n_folds} of {len(self.folds)} folds of whole groups of near-duplicates"
        return replace(self, folds=folds, sentence=sentence)


def plan_splits(dataset: Dataset, groups: IntArray, *, seed: int) -> SplitPlan:
    """Plan the proof: the user's own test part, else the latest quarter, else held-out groups.

    Raises
    ------
    DataError
        There are too few groups to hold any out.
    """
    n_groups = len(np.unique(groups))
    everything = np.arange(len(dataset))
    if dataset.splits is not None and (dataset.splits != "train").any() and (dataset.splits == "train").any():
        return _given(dataset, groups)
    if n_groups < 3:
        alike, needed = (" in {n} groups of duplicates", "groups") if n_groups < len(dataset) else ("", "items")
        msg = (
            f"'{dataset.name}' has {len(dataset)} items{alike.format(n=n_groups)}; at least 3 {needed} are needed "
            "to hold one out. Add items that are not copies of each other."
        )
        raise DataError(msg)
    if dataset.times is not None:
        return _by_time(dataset, groups)
    if len(dataset) >= _SMALL:
        folds = assign_folds(groups, dataset.targets, round(1 / _HELD_OUT_SHARE), seed)
        pair = (np.flatnonzero(folds != 0), np.flatnonzero(folds == 0))
        if _n_groups(groups, pair[1]) > 1:
            sentence = (
                f"{len(pair[1])} of {len(dataset)} items were held out, whole groups of near-duplicates at a time"
            )
            return SplitPlan(kind="holdout", folds=(pair,), final=everything, sentence=sentence)
    n_folds = min(_N_FOLDS, n_groups)
    folds = assign_folds(groups, dataset.targets, n_folds, seed)
    pairs = tuple((np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(n_folds))
    sentence = f"every item was held out once, in {n_folds} folds of whole groups of near-duplicates"
    least_folds = 1 if _n_groups(groups, pairs[0][1]) > 1 else 2
    return SplitPlan(kind="cross-validation", folds=pairs, final=everything, sentence=sentence, least_folds=least_folds)


def assign_folds(groups: IntArray, targets: FloatArray, n_folds: int, seed: int) -> IntArray:
    """Number each item's fold, shape (n,): groups stay whole, classes are spread as evenly as the groups allow.

    Groups are dealt from the largest to the smallest, each to the fold where it leaves the classes most even.
    """
    _, inverse = np.unique(groups, return_inverse=True)
    n_groups = int(inverse.max()) + 1
    columns = np.column_stack([_strata(targets), np.ones(len(targets))])
    profile = np.zeros((n_groups, columns.shape[1]))  # items of each class in each group, and all its items
    np.add.at(profile, inverse, columns)
    profile /= np.maximum(profile.sum(axis=0), 1e-9)
    order = np.lexsort((np.random.default_rng(seed).permutation(n_groups), -profile[:, -1]))
    load = np.zeros((n_folds, profile.shape[1]))
    fold_of_group = np.empty(n_groups, dtype=np.int64)
    for group in order:
        fold = int(np.argmin((load * profile[group]).sum(axis=1)))  # the cross term of the square of the new load
        load[fold] += profile[group]
        fold_of_group[group] = fold
    return fold_of_group[inverse]


def _strata(targets: FloatArray) -> FloatArray:
    """Columns to spread evenly: the classes, or the quarters of a value."""
    if targets.shape[1] > 1:
        return targets
    return np.eye(N_QUARTERS)[quarters(targets[:, 0])]


def _n_groups(groups: IntArray, index: IntArray) -> int:
    return len(np.unique(groups[index]))


def _given(dataset: Dataset, groups: IntArray) -> SplitPlan:
    assert dataset.splits is not None
    name = "test" if (dataset.splits == "test").any() else "validation"
    test = np.flatnonzero(dataset.splits == name)
    train = np.flatnonzero(dataset.splits != name)
    if _n_groups(groups, test) < 2:
        raise DataError(
            f"'{dataset.name}': your own {name} part ({len(test)} item{'s' * (len(test) != 1)}) is one group of near-duplicates, or of one value of --group; at "
            "least 2 groups are needed to prove anything. Add items that differ to it, or leave it out with --split none."
        )
    sentence = f"your own {name} part, {len(test)} items, was held out"
    return SplitPlan(kind="given", folds=((train, test),), final=train, sentence=sentence)


def _by_time(dataset: Dataset, groups: IntArray) -> SplitPlan:
    assert dataset.times is not None
    order = np.argsort(dataset.times, kind="stable")
    n_late = max(1, round(_HELD_OUT_SHARE * len(order)))
    early, late = order[:-n_late], order[-n_late:]
    late = late[~np.isin(groups[late], groups[early])]
    if not len(late):
        msg = (
            f"'{dataset.name}': every item of the latest quarter has a near-duplicate earlier on, so nothing is left to "
            "prove the model on. Leave out --time, or add later items."
        )
        raise DataError(msg)
    if _n_groups(groups, late) < 2:
        msg = (
            f"'{dataset.name}': the latest items that can be held out ({len(late)}) are one group of near-duplicates, or of one value of "
            "--group; at least 2 groups are needed to prove anything. Leave out --time or --group, or add later items."
        )
        raise DataError(msg)
    sentence = f"the latest {len(late)} items were held out, and only earlier ones trained on"
    return SplitPlan(
        kind="time", folds=((np.sort(early), np.sort(late)),), final=np.arange(len(order)), sentence=sentence
    )
