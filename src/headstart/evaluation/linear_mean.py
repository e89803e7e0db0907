"""The mean of linear models of few rows: every penalty and every scale of the columns, each weighed by how well it does on held-out groups.

With few rows it is chance which penalty does best, and a mean is better than the choice; only of values the choice is better, as those that
are shrunk too much are not calibrated (docs/log.md, Tables). The mean of linear models is one.

References
----------
Buckland, Burnham and Augustin, Model selection: an integral part of inference, Biometrics 1997 (weights by exp(-loss)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import limit
from headstart.evaluation.sparse_linear import (
    LOGISTIC,
    RIDGE,
    Candidate,
    fit_candidate,
    grouped_folds,
    within_span,
    without_unseen,
)
from headstart.heads.calibration import Calibration, fit_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.linear_losses import Fit

_INVERSE_PENALTIES = {
    LOGISTIC: (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0),
    RIDGE: (0.003, 0.01, 0.1, 1.0, 10.0, 100.0),
}
_TEMPERATURE = 8.0  # nats of all held-out rows together that a model may be worse for its weight to be 1/e
_LEAST_WEIGHT = 0.02
_MANY_SCORES = (
    300_000  # of all rows and classes, above which one fold weighs and one scale is tried: each fit takes seconds
)


@dataclass(frozen=True, kw_only=True)
class LinearMean:
    """A linear model: scores = rows @ coef + intercept.

    Attributes
    ----------
    coef, intercept : shape (d, k) and (k,)
    note : how many models it is the mean of
    """

    coef: FloatArray
    intercept: FloatArray
    note: str


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """A model that was held out.

    Attributes
    ----------
    scale : of each column, shape (d,)
    rows : scaled, in their span
    expand : from a solution on these to the scaled columns
    """

    scale: FloatArray
    rows: Any
    expand: Callable[[FloatArray], FloatArray]
    candidate: Candidate
    calibration: Calibration


def fit_linear_mean(
    rows: Any, scales: Iterable[FloatArray], targets: FloatArray, task: TaskSpec, *, groups: IntArray, seed: int
) -> LinearMean:
    """Fit logistic regression, or ridge to values, for each scale and penalty, and take their weighted mean.

    Parameters
    ----------
    rows : scipy CSR matrix, shape (n, d)
    scales : one or more, each of shape (d,): what the columns are multiplied with
    targets : shape (n, k)
    groups : shape (n,), kept whole in the folds that weigh
    """
    folds = grouped_folds(groups, targets, seed)
    if targets.size > _MANY_SCORES:
        folds, scales = folds[:1], list(scales)[:1]
    with limit(1):
        tried = [one for scale in scales for one in _tried(rows, scale, targets, task, folds)]
        weights = _weights(np.array([one.calibration.loss for one in tried]), sum(len(test) for _, test in folds), task)
        coef: FloatArray = np.zeros((rows.shape[1], targets.shape[1]))
        intercept: FloatArray = np.zeros(targets.shape[1])
        for one, weight in zip(tried, weights, strict=True):
            if weight:
                found = _on_columns(one, targets, task)
                coef, intercept = coef + weight * found[0], intercept + weight * found[1]
    coef, intercept = without_unseen(coef, intercept, targets, task)
    loss = LOGISTIC if task.has_probabilities else RIDGE
    return LinearMean(coef=coef, intercept=intercept, note=f"the mean of {np.count_nonzero(weights)} of {loss}")


def _tried(
    rows: Any, scale: FloatArray, targets: FloatArray, task: TaskSpec, folds: Sequence[tuple[IntArray, IntArray]]
) -> list[_Tried]:
    """Hold out every penalty, the largest first: its fit is where the next one starts."""
    reduced, expand = within_span(rows.multiply(scale).tocsr())
    loss = LOGISTIC if task.has_probabilities else RIDGE
    candidates = [Candidate(loss, inverse_penalty) for inverse_penalty in _INVERSE_PENALTIES[loss]]
    scores = np.zeros((len(candidates), *targets.shape))
    for train, test in folds:
        fit: Fit | None = None
        for candidate, found in zip(candidates, scores, strict=True):
            fit = fit_candidate(reduced[train], targets[train], candidate, task, fit)
            found[test] = reduced[test] @ fit[0] + fit[1]
    held_out = np.concatenate([test for _, test in folds]) if folds else np.empty(0, np.int64)
    return [
        _Tried(
            scale=scale,
            rows=reduced,
            expand=expand,
            candidate=candidate,
            calibration=_calibrated(found[held_out], targets[held_out], task),
        )
        for candidate, found in zip(candidates, scores, strict=True)
    ]


def _calibrated(scores: FloatArray, targets: FloatArray, task: TaskSpec) -> Calibration:
    if len(scores):
        return fit_calibration(scores, targets, task)
    return Calibration(slope=1.0, intercept=np.zeros(targets.shape[1]), loss=0.0)


def _weights(losses: FloatArray, n_held_out: int, task: TaskSpec) -> FloatArray:
    """Weights of sum 1 that fall with the loss; of values the best model has all of it."""
    if not task.has_probabilities:
        return np.eye(len(losses))[int(np.argmin(losses))]
    weights = np.exp((losses.min() - losses) * n_held_out / _TEMPERATURE)
    weights /= weights.sum()
    weights[weights < _LEAST_WEIGHT] = 0.0
    return np.asarray(weights / weights.sum())


def _on_columns(one: _Tried, targets: FloatArray, task: TaskSpec) -> Fit:
    """The model of all rows, calibrated, on the columns as they came."""
    coef, intercept = fit_candidate(one.rows, targets, one.candidate, task)
    slope = one.calibration.slope
    return one.scale[:, None] * one.expand(coef * slope), intercept * slope + one.calibration.intercept
