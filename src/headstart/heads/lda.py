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
from headstart.heads.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import FloatArray
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

    def fit(self, problem: Problem) -> SpanLdaFit:
        """Choose the shrinkage by the calibrated loss of held-out groups."""
        span = Span.of(problem.features, self.transform)
        reduced = replace(problem, features=span.rows[:, :-1])
        n_features = problem.features.shape[1]
        is_chosen = len(self.shrinkages) == 1
        best = 0 if is_chosen else best_of(reduced, lambda train: _fit(train, self.shrinkages, n_features))
        chosen = replace(self, shrinkages=(self.shrinkages[best],))
        return SpanLdaFit(
            problem=reduced,
            fit_head=lambda train: _fit(train, chosen.shrinkages, n_features)[0],
            estimator=chosen,
            span=span,
            features=problem.features,
        )


@dataclass(frozen=True, kw_only=True)
class SpanLdaFit(RefittedFit):
    """A fit in the span of the items, which distances do not depend on; `features` are the original ones."""

    span: Span
    features: FloatArray

    @property
    def head(self) -> LinearHead:
        """The head fitted on all items, for the original features."""
        fitted = self.fit_head(self.problem)
        intercept = fitted.intercept - fitted.centre @ fitted.coef
        return self.span.head(np.column_stack([fitted.coef.T, intercept]), self.features)


def _fit(problem: Problem, shrinkages: tuple[float, ...], n_features: int) -> list[LinearHead]:
    """One head per shrinkage.

    `n_features` is the dimension of the space that the covariance is shrunk in; the problem's features span a part of it.
    """
    x, counts = problem.features, np.maximum(problem.targets.sum(axis=0), 1.0)
    centre = x.mean(axis=0)
    x = x - centre
    means = (problem.targets / counts).T @ x  # (k, d)
    deviations = (x - problem.targets @ means) / np.sqrt(max(len(x) - len(counts), 1))
    spherical = float(np.square(deviations).sum()) / n_features or 1.0
    return [
        LinearHead(
            transform="identity",
            centre=centre,
            scale=np.ones(x.shape[1]),
            coef=coef.T,
            intercept=-0.5 * np.sum(coef * means, axis=1),
        )
        for coef in _whitened(means, deviations, shrinkages, spherical)
    ]


def _whitened(
    means: FloatArray, deviations: FloatArray, shrinkages: tuple[float, ...], spherical: float
) -> Iterator[FloatArray]:
    """Means (k, d) times the inverse of each shrunken covariance, (1 - s) deviations^T deviations + s spherical I.

    With fewer items than features by the identity of Woodbury, so that only an (n, n) system is solved.
    """
    n, d = deviations.shape
    gram = deviations @ deviations.T if n <= d else deviations.T @ deviations
    along = deviations @ means.T if n <= d else means.T
    for shrinkage in shrinkages:
        ratio = shrinkage * spherical / (1.0 - shrinkage)
        solved = np.linalg.solve(gram + ratio * np.eye(len(gram)), along)
        yield (means - solved.T @ deviations) / (shrinkage * spherical) if n <= d else solved.T / (1.0 - shrinkage)
