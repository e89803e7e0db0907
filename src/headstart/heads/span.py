"""Penalized linear heads in the span of the items: one decomposition for all folds and penalties.

An L2 penalty keeps the coefficients in the span of the items, so that an item is described by its projections on at most n
principal axes. Every fold is solved from zero on the other folds' targets, side by side with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from headstart.heads.calibration import fit_calibration
from headstart.heads.folds import number_folds, without_unseen_classes
from headstart.heads.head import LinearHead
from headstart.heads.lbfgs import LinearProblems, minimize
from headstart.heads.transforms import get_transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem
    from headstart.heads.score_losses import ScoreLoss

_MIN_EIGENVALUE = 1e-10  # relative to the largest
_TOLERANCE = 1e-5  # of the objective, summed over the items
_CELLS_AT_ONCE = 2**19  # of the scores of the folds that are solved together
_MAX_ITEMS = 1000  # with more, ridge was as good on everything tried (docs/log.md)


@dataclass(frozen=True, kw_only=True)
class SpanEstimator:
    """A classification head that minimizes an L2-penalized loss of its scores; `penalties` are tried from the first to the last.

    Penalties are relative to the summed weights, on features of mean squared norm 1.
    """

    name: str
    penalties: tuple[float, ...]
    transform: str = "sqrt"

    def supports(self, task: TaskSpec) -> bool:
        """All classification tasks."""
        return task.has_probabilities

    def is_worth_trying(self, problem: Problem) -> bool:
        """Only where it takes a second or two."""
        return not problem.task_spec.is_multi_label and len(problem.targets) <= _MAX_ITEMS

    def loss(self, task: TaskSpec) -> ScoreLoss:
        """The loss of the scores."""
        raise NotImplementedError

    def weights(self, problem: Problem) -> FloatArray:
        """Weights of the items, shape (n,), mean 1."""
        return np.ones(len(problem.targets))

    def fit(self, problem: Problem) -> SpanFit:
        """Choose the penalty by the calibrated loss of held-out folds."""
        span = Span.of(problem.features, self.transform)
        paths = _Paths(span, problem, self)
        scores = paths.held_out(problem.groups)
        best = 0
        if len(scores) > 1:
            best = int(np.argmin([fit_calibration(one, problem.targets, problem.task_spec).loss for one in scores]))
        chosen = replace(self, penalties=(self.penalties[best],))
        theta = paths.solve(np.ones((1, len(problem.targets)), dtype=bool))[best, 0]
        return SpanFit(problem=problem, estimator=chosen, span=span, theta=theta, scores=scores[best])


@dataclass(frozen=True, kw_only=True)
class SpanFit:
    """A fit with its penalty chosen.

    Attributes
    ----------
    theta : shape (k, r + 1), on all items: along the axes of the span, and the intercept
    scores : shape (n, k), held out by the groups of the problem
    """

    problem: Problem
    estimator: SpanEstimator
    span: Span
    theta: FloatArray
    scores: FloatArray

    @property
    def head(self) -> LinearHead:
        """The head fitted on all items."""
        return self.span.head(self.theta, self.problem.features)

    def with_chosen_hyperparameters(self) -> SpanEstimator:
        """The estimator that tries only the chosen penalty."""
        return self.estimator

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item by a fit without its group (without its fold if there are many groups)."""
        if np.array_equal(groups, self.problem.groups):
            return self.scores
        return _Paths(self.span, self.problem, self.estimator).held_out(groups)[0]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Centered and scaled features along their principal axes.

    Attributes
    ----------
    rows : shape (n, r + 1); the last column is 1
    axes : shape (d, r), the axes; or (n, r), which gives them as features^T axes if there are fewer items than features
    """

    transform: str
    centre: FloatArray
    scale: float
    rows: FloatArray
    axes: FloatArray

    @classmethod
    def of(cls, features: FloatArray, transform: str) -> Self:
        """Decompose the smaller of the (n, n) Gram and the (d, d) scatter matrix."""
        x = _transformed(features, transform)
        centre = x.mean(axis=0)
        x -= centre
        scale = 1.0 / float(np.sqrt(np.mean(np.sum(np.square(x), axis=1))) or 1.0)
        x *= scale
        n, d = x.shape
        eigenvalues, vectors = np.linalg.eigh(x @ x.T if n <= d else x.T @ x)
        keep = eigenvalues > _MIN_EIGENVALUE * max(float(eigenvalues[-1]), 1e-300)
        root, vectors = np.sqrt(eigenvalues[keep]), vectors[:, keep]
        rows = vectors * root if n <= d else x @ vectors
        axes = vectors / root if n <= d else vectors
        return cls(transform=transform, centre=centre, scale=scale, rows=np.column_stack([rows, np.ones(n)]), axes=axes)

    def head(self, theta: FloatArray, features: FloatArray) -> LinearHead:
        """The head of coefficients along the axes."""
        along = self.axes @ theta[:, :-1].T
        n, d = features.shape
        if n <= d:
            along = ((_transformed(features, self.transform) - self.centre) * self.scale).T @ along
        return LinearHead(
            transform=self.transform,
            centre=self.centre,
            scale=np.full(d, self.scale),
            coef=along,
            intercept=theta[:, -1],
        )

    def mean_squares(self, weights: FloatArray) -> FloatArray:
        """Weighted mean of the squared distance of the items from their mean, for each weighting (f, n): shape (f,)."""
        share = weights / weights.sum(axis=1, keepdims=True)
        rows = self.rows[:, :-1]
        return share @ np.square(rows).sum(axis=1) - np.square(share @ rows).sum(axis=1)


@dataclass(frozen=True)
class _Paths:
    """Solutions of an estimator along its penalties."""

    span: Span
    problem: Problem
    estimator: SpanEstimator

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item without its fold, shape (n_penalties, n, k)."""
        problem, rows = self.problem, self.span.rows
        folds = number_folds(problem, groups)
        scores = np.empty((len(self.estimator.penalties), *problem.targets.shape))
        for numbers in self._chunks(int(folds.max()) + 1):
            solved = self.solve(folds != numbers[:, None])
            for place, fold in enumerate(numbers):
                train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
                for p, theta in enumerate(solved[:, place]):
                    scores[p, test] = without_unseen_classes(rows[test] @ theta.T, problem, train)
        return scores

    def solve(self, is_train: FloatArray) -> FloatArray:
        """Fit on several parts (f, n) of the items; shape (n_penalties, f, k, r + 1)."""
        weights, squares = np.zeros(is_train.shape), np.empty(len(is_train))
        for i, mask in enumerate(is_train):
            weights[i, mask] = self.estimator.weights(self.problem.take(np.flatnonzero(mask)))
            squares[i] = self.span.mean_squares(mask[None].astype(float))[0]
        problems = LinearProblems(
            rows=self.span.rows,
            targets=np.ascontiguousarray(self.problem.targets.T),
            weights=weights,
            penalties=weights.sum(axis=1) * squares,
            loss=self.estimator.loss(self.problem.task_spec),
        )
        theta: FloatArray = np.zeros((len(is_train), len(problems.targets), self.span.rows.shape[1]))
        path = []
        for penalty in self.estimator.penalties:  # each from the one before
            scaled = replace(problems, penalties=penalty * problems.penalties)
            theta = minimize(scaled, theta, tolerance=_TOLERANCE)
            path.append(theta)
        return np.stack(path)

    def _chunks(self, n_folds: int) -> Iterator[IntArray]:
        size = max(1, _CELLS_AT_ONCE // (self.problem.targets.shape[1] * max(self.span.rows.shape)))
        return (np.arange(first, min(first + size, n_folds)) for first in range(0, n_folds, size))


def _transformed(features: FloatArray, transform: str) -> FloatArray:
    """Transform into a new array in double precision."""
    return np.array(get_transform(transform).apply(np.asarray(features, dtype=np.float64)))
