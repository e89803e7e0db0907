"""Solve one linear model with a source's score as offset: penalized least squares in closed form, penalized logistic loss by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

SLOPE_PRECISION = 4.0  # of the slope about 1: twice or nothing are two standard deviations away
INTERCEPT_PRECISION = 0.25  # in logits, or standard deviations of the residual
_MAX_STEPS = 300
_TOLERANCE = 1e-8


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Scores are `slope * source + features @ coef + intercept`; `theta` is where the solver stopped."""

    slope: float
    coef: FloatArray
    intercept: FloatArray
    theta: FloatArray

    def scores(self, source: FloatArray, features: FloatArray) -> FloatArray:
        """Scores (n, k)."""
        return np.asarray(self.slope * source + features @ self.coef + self.intercept)


@dataclass(frozen=True, kw_only=True)
class OffsetProblem:
    """Rows of one fit, with two labels as one margin.

    The objective is the summed loss (nats; squared errors over twice the variance of what the source leaves) plus half of
    penalty * |coef|^2 (over that variance) on scaled features, SLOPE_PRECISION * (slope - slope_prior)^2 and INTERCEPT_PRECISION * |intercept|^2.

    Attributes
    ----------
    source, targets : shape (n, m); m is 1 for two labels
    features : centered and scaled to a mean squared norm of 1 a row, shape (n, d)
    centre, unit : that were subtracted, and the factor
    variance : of the errors of a regression; 1 for probabilities
    """

    source: FloatArray
    features: FloatArray
    targets: FloatArray
    centre: FloatArray
    unit: float
    variance: float
    task: TaskSpec
    n_outputs: int
    slope_prior: float = 1.0
    has_slope: bool = True

    @classmethod
    def of(cls, source: FloatArray, features: FloatArray, targets: FloatArray, task: TaskSpec) -> OffsetProblem:
        """Prepare the rows: source and targets of shape (n, k), features (n, d)."""
        is_margin = task.is_single_label and targets.shape[1] == 2
        x = np.asarray(features, np.float64)
        centre = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
        x = x - centre
        norm = float(np.mean(np.square(x).sum(axis=1)))
        unit = 1.0 / np.sqrt(norm) if norm > 0 else 1.0
        base = np.asarray(source, np.float64)
        return cls(
            source=base[:, 1:] - base[:, :1] if is_margin else base,
            features=x * unit,
            targets=targets[:, 1:] if is_margin else targets,
            centre=centre,
            unit=unit,
            variance=1.0 if task.has_probabilities else _residual_variance(base, targets),
            task=task,
            n_outputs=targets.shape[1],
        )

    @property
    def as_it_is(self) -> Solution:
        """The source's score alone."""
        d, k = self.features.shape[1], self.n_outputs
        return Solution(slope=1.0, coef=np.zeros((d, k)), intercept=np.zeros(k), theta=np.zeros(0))

    def solve(self, penalty: float, start: Solution | None = None) -> Solution:
        """Minimize for one penalty; infinite: the features are not read."""
        reads = bool(np.isfinite(penalty)) and self.features.shape[1] > 0
        columns = self.features if reads else self.features[:, :0]
        if self.task.link == "identity":
            slope, intercept, coef = self._least_squares(columns, penalty)
            theta: FloatArray = np.zeros(0)
        else:
            theta = self._logistic(columns, penalty, None if start is None else start.theta)
            slope, intercept, coef = self._unpacked(theta, columns.shape[1])
        whole = np.zeros((self.features.shape[1], coef.shape[1]))
        whole[: len(coef)] = coef * self.unit
        intercept = intercept - self.centre @ whole
        if whole.shape[1] != self.n_outputs:  # a margin, halved between two labels
            whole, intercept = np.hstack([-whole, whole]) / 2, np.concatenate([-intercept, intercept]) / 2
        return Solution(slope=slope, coef=whole, intercept=intercept, theta=theta)

    def _least_squares(self, x: FloatArray, penalty: float) -> tuple[float, FloatArray, FloatArray]:
        """One target: columns are the source, 1 and the features, with a penalty each."""
        y, d = self.targets[:, 0], x.shape[1]
        lead = self.source if self.has_slope else self.source[:, :0]
        rows = np.hstack([lead, np.ones((len(x), 1)), x])
        weak = 1e-8 / self.variance  # a level has no usual size
        ridge = np.concatenate(
            [
                [SLOPE_PRECISION * self._spread] * self.has_slope,
                [weak],
                np.full(d, penalty / self.variance if d else 0.0),
            ]
        )
        centre = np.concatenate([[self.slope_prior] * self.has_slope, np.zeros(1 + d)])
        gram = rows.T @ rows / self.variance + np.diag(ridge)
        theta = centre + np.linalg.solve(gram, rows.T @ (y - rows @ centre) / self.variance)
        slope = float(theta[0]) if self.has_slope else 0.0
        first = int(self.has_slope)
        return slope, theta[first : first + 1], theta[first + 1 :, None]

    @property
    def _spread(self) -> float:
        """A regression's slope is known as well as from one more pair of items a usual difference apart."""
        return float(np.var(self.source)) / self.variance

    def _unpacked(self, theta: FloatArray, d: int) -> tuple[float, FloatArray, FloatArray]:
        m = self.targets.shape[1]
        slope = float(theta[0]) if self.has_slope else 0.0
        return slope, theta[1 : 1 + m], theta[1 + m :].reshape(d, m)

    def _logistic(self, x: FloatArray, penalty: float, start: FloatArray | None) -> FloatArray:
        from scipy.optimize import minimize

        m, d = self.targets.shape[1], x.shape[1]
        if start is None or len(start) != 1 + m + d * m:
            start = np.zeros(1 + m + d * m)
            start[0] = self.slope_prior
        ridge = penalty if d else 0.0

        def objective(theta: FloatArray) -> tuple[float, FloatArray]:
            slope, intercept, coef = self._unpacked(theta, d)
            scores = slope * self.source + intercept + x @ coef
            value, by_score = _losses(scores, self.targets, self.task.link)
            off = theta[0] - self.slope_prior
            value += 0.5 * float(ridge * np.vdot(coef, coef) + INTERCEPT_PRECISION * np.vdot(intercept, intercept))
            value += 0.5 * SLOPE_PRECISION * off * off
            by_slope = float(np.vdot(by_score, self.source)) * self.has_slope + SLOPE_PRECISION * off
            by_intercept = by_score.sum(axis=0) + INTERCEPT_PRECISION * intercept
            gradient = [[by_slope], by_intercept, (x.T @ by_score + ridge * coef).ravel()]
            return float(value), np.concatenate(gradient)

        options = {"maxiter": _MAX_STEPS, "ftol": _TOLERANCE, "gtol": 1e-6}
        return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x)


def _losses(scores: FloatArray, targets: FloatArray, link: str) -> tuple[float, FloatArray]:
    """Summed loss in nats and its gradient by the scores (n, m); one column of a softmax is a margin."""
    if link == "softmax" and scores.shape[1] > 1:
        shifted = scores - scores.max(axis=1, keepdims=True)
        raised = np.exp(shifted)
        totals = raised.sum(axis=1, keepdims=True)
        return float(np.log(totals).sum() - np.vdot(shifted, targets)), raised / totals - targets
    value = float((np.logaddexp(0.0, scores) - scores * targets).sum())
    return value, 0.5 * (1.0 + np.tanh(0.5 * scores)) - targets


def _residual_variance(source: FloatArray, targets: FloatArray) -> float:
    """Of what is left of a regression's target: by the source as it is or moved, or by the mean, whichever leaves less."""
    moved = targets - source
    left = min(float(np.var(moved)), float(np.var(targets)))
    return left if left > 0 else 1.0
