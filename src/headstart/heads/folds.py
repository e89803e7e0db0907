"""Held-out scores by refitting on folds of whole groups, for candidates that have no closed form."""

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
_FEW_GROUPS = 40  # up to here every group is a fold of its own


def cross_fit(
    problem: Problem, groups: IntArray, fit_scores: Callable[[Problem, FloatArray], FloatArray]
) -> FloatArray:
    """Scores of every item by a fit on the folds that do not hold its group, shape as `fit_scores` gives, items first.

    `fit_scores(problem, features)` fits on the problem and scores the features.
    """
    n_groups = len(np.unique(groups))
    n_folds = n_groups if n_groups <= _FEW_GROUPS else N_FOLDS
    folds: IntArray = assign_folds(groups, problem.targets, n_folds, problem.seed)
    parts: list[tuple[IntArray, FloatArray]] = []
    for fold in range(n_folds):
        inside, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        scores = fit_scores(problem.take(inside), problem.features[held_out])
        parts.append((held_out, _without_unseen_classes(scores, problem, inside)))
    scores = np.empty((len(folds), *parts[0][1].shape[1:]))
    for outside, part in parts:
        scores[outside] = part
    return scores


@dataclass(frozen=True, kw_only=True)
class RefittedFit:
    """The fit of a candidate that is fitted anew on the rest of each fold.

    Attributes
    ----------
    fit_head : fits a head to a problem, with everything chosen
    head_candidate : tries only what was chosen
    """

    problem: Problem
    fit_head: Callable[[Problem], LinearHead]
    head_candidate: HeadEstimator

    @property
    def head(self) -> LinearHead:
        """The head fitted on every item."""
        return self.fit_head(self.problem)

    def with_chosen_hyperparameters(self) -> HeadEstimator:
        """Keep what was chosen."""
        return self.head_candidate

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item by a fit without its group (without its fold where there are many groups)."""
        return cross_fit(self.problem, groups, lambda inside, x: self.fit_head(inside).scores(x))


def best_of(problem: Problem, fit_heads: Callable[[Problem], Sequence[LinearHead]]) -> int:
    """Number of the head, of several that are fitted together, with the least calibrated loss on held-out groups."""

    def fit_scores(inside: Problem, x: FloatArray) -> FloatArray:
        return np.stack([head.scores(x) for head in fit_heads(inside)], axis=1)

    scores = cross_fit(problem, problem.groups, fit_scores)  # (n, n_heads, k)
    fits = [fit_calibration(scores[:, i], problem.targets, problem.task_spec) for i in range(scores.shape[1])]
    return int(np.argmin([fit.loss for fit in fits]))


def _without_unseen_classes(scores: FloatArray, problem: Problem, inside: IntArray) -> FloatArray:
    """Give a class that no item inside has the lowest of each row's scores: a fit that never saw it cannot favour it."""
    seen = problem.targets[inside].any(axis=0)
    if not problem.task_spec.is_single_label or seen.all() or not seen.any():
        return scores
    return np.where(seen, scores, scores[..., seen].min(axis=-1, keepdims=True))
