"""Logistic regression on frozen features, the classical linear probe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.heads.folds import RefittedFit, best_of
from headstart.heads.head import LinearHead
from headstart.heads.transforms import get_transform

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem

_PENALTIES = (1e-2, 1e-3, 1e-4)  # relative to the number of items, on features of mean squared norm 1
_MAX_ITEMS = 300
_MAX_STEPS = 150
_MIN_PROBABILITY = 1e-300  # small enough for the loss to agree with its gradient
_MIN_EIGENVALUE = 1e-10  # relative to the largest


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """L2-penalized logistic regression: softmax for classes, one sigmoid per label for multi-label."""

    name: str = "logistic"
    transform: str = "sqrt"
    penalties: tuple[float, ...] = _PENALTIES

    def supports(self, task: TaskSpec) -> bool:
        """All classification tasks."""
        return task.has_probabilities

    def is_worth_trying(self, problem: Problem) -> bool:
        """Only with few items: with more, ridge was as good on everything tried in a fifth of the time (docs/log.md)."""
        return not problem.task_spec.is_multi_label and len(problem.targets) <= _MAX_ITEMS

    def fit(self, problem: Problem) -> RefittedFit:
        """Choose the penalty by the calibrated loss of held-out folds."""
        best = best_of(problem, lambda train: _fit(train, self.transform, self.penalties))
        chosen = replace(self, penalties=(self.penalties[best],))
        return RefittedFit(problem=problem, fit_head=chosen.fit_head, estimator=chosen)

    def fit_head(self, problem: Problem) -> LinearHead:
        """Fit with the first penalty."""
        return _fit(problem, self.transform, self.penalties[:1])[0]


def _fit(problem: Problem, transform: str, penalties: tuple[float, ...]) -> list[LinearHead]:
    """One head per penalty, each started from the one before."""
    from scipy.optimize import minimize

    x = get_transform(transform).apply(np.asarray(problem.features, dtype=np.float64))
    centre = x.mean(axis=0)
    x = x - centre
    scale = 1.0 / (np.sqrt(np.mean(np.sum(np.square(x), axis=1))) or 1.0)
    rotated, axes, eigenvalues = _principal_axes(x * scale)
    n, k = problem.targets.shape
    coef, intercept, heads = np.zeros((rotated.shape[1], k)), np.zeros(k), []
    for penalty in penalties:
        # curvature along an axis is at most a quarter of its eigenvalue; in these units L-BFGS needs few steps
        step = 1.0 / np.sqrt(eigenvalues / 4.0 + penalty * n)[:, None]
        start = np.concatenate([(coef / step).reshape(-1), intercept])
        options = {"maxiter": _MAX_STEPS, "ftol": 1e-6, "gtol": 1e-2}
        found = minimize(
            _objective, start, (rotated, step, problem, penalty * n), jac=True, method="L-BFGS-B", options=options
        )
        coef, intercept = step * found.x[:-k].reshape(-1, k), found.x[-k:]
        heads.append(
            LinearHead(
                transform=transform,
                centre=centre,
                scale=np.full(x.shape[1], scale),
                coef=axes @ coef,
                intercept=intercept,
            )
        )
    return heads


def _principal_axes(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows along their principal axes (n, r), the axes (d, r), and the eigenvalues of the scatter (r,).

    The L2 penalty keeps the solution in the span of the rows, so nothing is lost with fewer rows than columns.
    """
    n, d = x.shape
    eigenvalues, vectors = np.linalg.eigh(x @ x.T if n <= d else x.T @ x)
    keep = eigenvalues > _MIN_EIGENVALUE * max(float(eigenvalues[-1]), 1e-300)
    eigenvalues, vectors = eigenvalues[keep], vectors[:, keep]
    if n > d:
        return x @ vectors, vectors, eigenvalues
    root = np.sqrt(eigenvalues)
    return vectors * root, x.T @ (vectors / root), eigenvalues


def _objective(
    theta: FloatArray, x: FloatArray, step: FloatArray, problem: Problem, penalty: float
) -> tuple[float, FloatArray]:
    """Penalized log loss summed over the items, and its gradient, in the units of `step`."""
    k = problem.targets.shape[1]
    coef, intercept = step * theta[:-k].reshape(-1, k), theta[-k:]
    task, targets = problem.task_spec, problem.targets
    p = task.outputs(x @ coef + intercept)
    loss = task.loss_terms(p, targets, min_probability=_MIN_PROBABILITY).sum()
    residual = task.gradient(p, targets)
    gradient = np.concatenate([(step * (x.T @ residual + penalty * coef)).reshape(-1), residual.sum(axis=0)])
    return float(loss + 0.5 * penalty * np.square(coef).sum()), gradient
