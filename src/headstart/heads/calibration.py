"""Calibration: rescale held-out scores to calibrated probabilities, without refitting anything.

References
----------
Burkhart et al., PreVal: probabilities from the pre-validated scores of ridge classifiers, arXiv:2401.15610.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

_USUAL_LOG_SLOPE = 0.7  # for scores of unit spread; the prior on the slope, which weighs as much as one item
_MAX_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Outputs are link(slope * scores + intercept).

    Attributes
    ----------
    slope : one number for all columns, > 0
    intercept : shape (k,)
    loss : mean loss per item of the calibrated outputs, on the scores it was fitted to: nats, or squared units
    """

    slope: float
    intercept: FloatArray
    loss: float

    def outputs(self, scores: FloatArray, task: TaskSpec) -> FloatArray:
        """Turn scores (n, k) into probabilities or values."""
        return task.outputs(self.slope * scores + self.intercept)


def fit_calibration(
    scores: FloatArray, targets: FloatArray, task: TaskSpec, *, intercept_penalty: float = 1.0
) -> Calibration:
    """Fit slope and intercepts to held-out scores (n, k) by penalized maximum likelihood (Newton's method).

    Values of a regression are not changed.

    Parameters
    ----------
    intercept_penalty : in items; shrinks the intercept of a class with few items towards zero
    """
    k = targets.shape[1]
    if not task.has_probabilities:
        return Calibration(slope=1.0, intercept=np.zeros(k), loss=float(task.losses(scores, targets).mean()))
    spread = float(np.sqrt(np.mean(np.square(scores - scores.mean(axis=0)))))
    if spread <= 1e-9 * float(np.abs(scores).max(initial=0.0)):
        spread = np.inf  # constant scores: only the class frequencies are left
    scores = scores / spread
    theta = np.zeros(1 + k)  # (log slope, intercepts)

    def objective(trial: FloatArray) -> float:
        return _objective(trial, scores, targets, task, intercept_penalty)

    value = objective(theta)
    for _ in range(_MAX_STEPS):
        gradient, curvature = _derivatives(theta, scores, targets, task, intercept_penalty)
        step = np.linalg.solve(curvature, gradient)
        theta, new_value = _line_search(objective, theta, step, value)
        if value - new_value < 1e-7 * len(scores):
            break
        value = new_value
    slope = float(np.exp(theta[0]))
    outputs = task.outputs(slope * scores + theta[1:])
    return Calibration(slope=slope / spread, intercept=theta[1:], loss=float(task.losses(outputs, targets).mean()))


def _objective(
    theta: FloatArray, scores: FloatArray, targets: FloatArray, task: TaskSpec, intercept_penalty: float
) -> float:
    outputs = task.outputs(np.exp(theta[0]) * scores + theta[1:])
    prior = intercept_penalty * np.square(theta[1:]).sum() + (theta[0] - _USUAL_LOG_SLOPE) ** 2
    return float(task.losses(outputs, targets).sum() + 0.5 * prior)


def _derivatives(
    theta: FloatArray, scores: FloatArray, targets: FloatArray, task: TaskSpec, intercept_penalty: float
) -> tuple[FloatArray, FloatArray]:
    """Gradient and a positive-definite curvature (Gauss-Newton) in (log slope, intercepts)."""
    slope = np.exp(theta[0])
    outputs = task.outputs(slope * scores + theta[1:])
    residual = task.gradient(outputs, targets)  # (n, k)
    along = slope * scores  # derivative of the logits with respect to the log slope
    towards_usual = theta[0] - _USUAL_LOG_SLOPE
    gradient = np.concatenate(
        [[np.sum(residual * along) + towards_usual], residual.sum(axis=0) + intercept_penalty * theta[1:]]
    )
    curvature = task.curvature(outputs, along)
    curvature += np.diag(np.concatenate([[1.0], np.full(scores.shape[1], intercept_penalty)]))
    return gradient, curvature


def _line_search(
    objective: Callable[[FloatArray], float], theta: FloatArray, step: FloatArray, value: float
) -> tuple[FloatArray, float]:
    for halving in range(12):
        trial = theta - step * 0.5**halving
        trial[0] = np.clip(trial[0], -5.0, 5.0)
        new_value = objective(trial)
        if new_value <= value:
            return trial, new_value
    return theta, value
