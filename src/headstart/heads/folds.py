"""Held-out scores by refitting on folds of whole groups, for heads without a closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.holdout import assign_folds
from headstart.heads.calibration import fit_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.head import LinearHead
    from headstart.heads.problem import HeadEstimator, Problem

N_FOLDS = 5
_FEW_GROUPS = 40  # up to here each group is a fold


def number_folds(problem: Problem, groups: IntArray) -> IntArray:
    """Number each item's fold, shape (n,): each of few groups is a fold, many are dealt to five."""
    n_groups = len(np.unique(groups))
    return assign_folds(groups, problem.targets, n_groups if n_groups <= _FEW_GROUPS else N_FOLDS, problem.seed)


def out_of_fold_scores(
    problem: Problem, groups: IntArray, fit_scores: Callable[[Problem, FloatArray], FloatArray]
) -> FloatArray:
    """Score each item by a fit on the folds without its group; the shape is that of `fit_scores`, items first.

    `fit_scores(problem, features)` fits on the problem and scores the features.
    """
    folds = number_folds(problem, groups)
    parts: list[tuple[IntArray, FloatArray]] = []
    for fold in range(int(folds.max()) + 1):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        scores = fit_scores(problem.take(train), problem.features[test])
        parts.append((test, without_unseen_classes(scores, problem, train)))
    scores = np.empty((len(folds), *parts[0][1].shape[1:]))
    for held_out, part in parts:
        scores[held_out] = part
    return scores


@dataclass(frozen=True, kw_only=True)
class RefittedFit:
    """The fit of a head that is refitted on the rest of each fold.

    Attributes
    ----------
    fit_head : fits a head to a problem, with the chosen hyperparameters
    estimator : tries only the chosen hyperparameters
    """

    problem: Problem
    fit_head: Callable[[Problem], LinearHead]
    estimator: HeadEstimator

    @property
    def head(self) -> LinearHead:
        """The head fitted on all items."""
        return self.fit_head(self.problem)

    def with_chosen_hyperparameters(self) -> HeadEstimator:
        """The estimator that tries only what was chosen here."""
        return self.estimator

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item by a fit without its group (without its fold if there are many groups)."""
        return out_of_fold_scores(self.problem, groups, lambda train, x: self.fit_head(train).scores(x))


def best_of(problem: Problem, fit_heads: Callable[[Problem], Sequence[LinearHead]]) -> int:
    """Index of the head with the lowest calibrated loss on held-out groups, among several fitted together."""

    def fit_scores(train: Problem, x: FloatArray) -> FloatArray:
        return np.stack([head.scores(x) for head in fit_heads(train)], axis=1)

    scores = out_of_fold_scores(problem, problem.groups, fit_scores)  # (n, n_heads, k)
    fits = [fit_calibration(scores[:, i], problem.targets, problem.task_spec) for i in range(scores.shape[1])]
    return int(np.argmin([fit.loss for fit in fits]))


def without_unseen_classes(scores: FloatArray, problem: Problem, train: IntArray) -> FloatArray:
    """Give classes without a training item the lowest score of each row, so that they are never predicted."""
    seen = problem.targets[train].any(axis=0)
    if not problem.task_spec.is_single_label or seen.all() or not seen.any():
        return scores
    return np.where(seen, scores, scores[..., seen].min(axis=-1, keepdims=True))
