"""Linear discriminant analysis with a shrunken covariance, for few labels.

References
----------
Friedman, Regularized discriminant analysis, Journal of the American Statistical Association 1989.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.heads.folds import RefittedFit, best_of
from headstart.heads.head import LinearHead
from headstart.heads.transforms import get_transform

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem

_MAX_ITEMS = 400
_SHRINKAGES = (0.1, 0.4, 0.8)


@dataclass(frozen=True, kw_only=True)
class LinearDiscriminant:
    """Class means separated by the within-class covariance, which is shrunk towards a multiple of the identity."""

    name: str = "lda"
    transform: str = "sqrt"
    shrinkages: tuple[float, ...] = _SHRINKAGES

    def supports(self, task: TaskSpec) -> bool:
        """Single-label tasks only."""
        return task.is_single_label

    def is_worth_trying(self, problem: Problem) -> bool:
        """Only with few items: each held-out fold costs a decomposition."""
        return len(problem.targets) <= _MAX_ITEMS

    def fit(self, problem: Problem) -> RefittedFit:
        """Choose the shrinkage by the calibrated loss of held-out groups."""
        best = best_of(problem, lambda train: _fit(train, self.transform, self.shrinkages))
        chosen = replace(self, shrinkages=(self.shrinkages[best],))
        return RefittedFit(problem=problem, fit_head=chosen.fit_head, estimator=chosen)

    def fit_head(self, problem: Problem) -> LinearHead:
        """Fit with the first shrinkage."""
        return _fit(problem, self.transform, self.shrinkages[:1])[0]


def _fit(problem: Problem, transform: str, shrinkages: tuple[float, ...]) -> list[LinearHead]:
    """One head per shrinkage, from one singular value decomposition of the within-class deviations."""
    x = get_transform(transform).apply(np.asarray(problem.features, dtype=np.float64))
    counts = np.maximum(problem.targets.sum(axis=0), 1.0)
    centre = x.mean(axis=0)
    x = x - centre
    means = (problem.targets / counts).T @ x  # (k, d)
    _, singular, axes = np.linalg.svd(x - problem.targets @ means, full_matrices=False)  # axes: (r, d)
    variances = np.square(singular) / max(len(x) - len(counts), 1)
    spherical = variances.sum() / x.shape[1] or 1.0
    heads = []
    for shrinkage in shrinkages:
        floor = shrinkage * spherical
        inverse = 1.0 / ((1.0 - shrinkage) * variances + floor) - 1.0 / floor
        coef = means / floor + (means @ axes.T * inverse) @ axes  # (k, d), means times the inverse covariance
        heads.append(
            LinearHead(
                transform=transform,
                centre=centre,
                scale=np.ones(x.shape[1]),
                coef=coef.T,
                intercept=-0.5 * np.sum(coef * means, axis=1),
            )
        )
    return heads
