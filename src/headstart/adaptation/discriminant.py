"""Discriminant: linear discriminant analysis with a shrunken covariance, for few labels.

References
----------
Friedman, Regularized discriminant analysis, Journal of the American Statistical Association 1989.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.adaptation.calibration import fit_calibration
from headstart.adaptation.folds import cross_fit
from headstart.adaptation.head import LinearHead
from headstart.adaptation.transforms import get_transform

if TYPE_CHECKING:
    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

_MOST_ITEMS = 400
_SHRINKAGES = (0.1, 0.4, 0.8)


@dataclass(frozen=True, kw_only=True)
class Discriminant:
    """Class means told apart by the within-class covariance, shrunk towards a multiple of the identity."""

    name: str = "discriminant"
    transform: str = "sqrt"
    shrinkages: tuple[float, ...] = _SHRINKAGES

    def suits(self, task: TaskSpec) -> bool:
        """One class an item."""
        return task.is_single_label

    def pays(self, problem: Problem) -> bool:
        """Few items: each held-out fold costs a decomposition."""
        return len(problem.targets) <= _MOST_ITEMS

    def fit(self, problem: Problem) -> DiscriminantFit:
        """Choose the shrinkage by the calibrated loss of held-out groups."""
        scores = _held_out(problem, problem.groups, self.transform, self.shrinkages)  # (n, n_shrinkages, k)
        fits = [fit_calibration(scores[:, i], problem.targets, problem.task_spec) for i in range(len(self.shrinkages))]
        best = int(np.argmin([fit.loss for fit in fits]))
        return DiscriminantFit(problem=problem, transform=self.transform, shrinkage=self.shrinkages[best])


@dataclass(frozen=True, kw_only=True)
class DiscriminantFit:
    """A discriminant with its shrinkage chosen."""

    problem: Problem
    transform: str
    shrinkage: float

    @property
    def head(self) -> LinearHead:
        """The head fitted on every item."""
        return _fit(self.problem, self.transform, (self.shrinkage,))[0]

    def narrowed(self) -> Discriminant:
        """Keep the shrinkage."""
        return Discriminant(transform=self.transform, shrinkages=(self.shrinkage,))

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item by a fit without its group (without its fold where there are many groups)."""
        return _held_out(self.problem, groups, self.transform, (self.shrinkage,))[:, 0]


def _held_out(problem: Problem, groups: IntArray, transform: str, shrinkages: tuple[float, ...]) -> FloatArray:
    def fit_scores(inside: Problem, x: FloatArray) -> FloatArray:
        return np.stack([head.scores(x) for head in _fit(inside, transform, shrinkages)], axis=1)

    return cross_fit(problem, groups, fit_scores)


def _fit(problem: Problem, transform: str, shrinkages: tuple[float, ...]) -> list[LinearHead]:
    """One head a shrinkage, from one singular value decomposition of the within-class deviations."""
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
        matrix = means / floor + (means @ axes.T * inverse) @ axes  # (k, d), means times the inverse covariance
        heads.append(
            LinearHead(
                transform=transform,
                centre=centre,
                scale=np.ones(x.shape[1]),
                matrix=matrix.T,
                offset=-0.5 * np.sum(matrix * means, axis=1),
            )
        )
    return heads
