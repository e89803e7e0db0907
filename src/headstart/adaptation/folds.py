"""Held-out scores by refitting on folds of whole groups, for candidates that have no closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.holdout import assign_folds

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray, IntArray

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


def _without_unseen_classes(scores: FloatArray, problem: Problem, inside: IntArray) -> FloatArray:
    """Give a class that no item inside has the lowest of each row's scores: a fit that never saw it cannot favour it."""
    seen = problem.targets[inside].any(axis=0)
    if not problem.task_spec.is_single_label or seen.all() or not seen.any():
        return scores
    return np.where(seen, scores, scores[..., seen].min(axis=-1, keepdims=True))
