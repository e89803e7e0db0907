"""Ridge: a closed-form linear probe whose held-out predictions need no refitting.

One eigendecomposition serves all penalties: of the scatter matrix of the features, or, if there are fewer items than features,
of their Gram matrix, whose eigenvectors already are the projections of the items. The block form of the leave-one-out identity
gives the prediction of each item by a head fitted without the item's group:

    y_g - yhat_g(without g) = (I - H_gg)^-1 (y_g - yhat_g)

where H is the hat matrix, including the weighted intercept.

References
----------
Allen, The relationship between variable selection and data augmentation and a method for prediction, Technometrics 1974.
"""

from __future__ import annotations

import functools
import operator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.moments import Moments
from headstart.engines.threads import n_threads
from headstart.heads.calibration import fit_calibration
from headstart.heads.head import LinearHead
from headstart.heads.transforms import get_transform, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem

_RELATIVE_PENALTIES = tuple(10.0 ** np.arange(-3.0, 2.1, 0.5))
_MIN_EIGENVALUE = 1e-10  # relative to the largest; directions below it are numerical noise


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """Ridge regression on +1/-1 targets (or on values), over penalties and feature transforms.

    `transforms` are tried without scaling, `scaled_transforms` with each feature at unit variance.
    Penalties are relative to the mean eigenvalue of the scatter matrix.
    """

    name: str = "ridge"
    transforms: tuple[str, ...] = ("identity", "power", "sqrt", "l2")
    scaled_transforms: tuple[str, ...] = ("identity",)
    relative_penalties: tuple[float, ...] = _RELATIVE_PENALTIES

    def supports(self, task: TaskSpec) -> bool:  # noqa: ARG002  (all estimators share one signature)
        """All tasks."""
        return True

    def is_worth_trying(self, problem: Problem) -> bool:  # noqa: ARG002
        """Always: its held-out scores need no refitting."""
        return True

    def fit(self, problem: Problem) -> RidgeFit:
        """Choose transform and penalty by the calibrated loss of held-out groups."""
        variants = [(t, False) for t in self.transforms] + [(t, True) for t in self.scaled_transforms]
        n, d = problem.features.shape
        used = dict.fromkeys(transform for transform, _ in variants) if n > d else {}
        with ThreadPoolExecutor(n_threads()) as pool:
            moments = dict(zip(used, pool.map(lambda t: moments_of(problem, t), used), strict=True))
            found = list(pool.map(lambda variant: self._search(problem, moments.get(variant[0]), *variant), variants))
        best = min(found, key=operator.itemgetter(0))
        return RidgeFit(path=best[1], penalty=best[2])

    def _search(
        self, problem: Problem, moments: Moments | None, transform: str, scaled: bool
    ) -> tuple[float, RidgePath, float]:
        path = RidgePath.of(problem, transform, scaled=scaled, moments=moments)
        penalty, loss = _choose_penalty(path, np.array(self.relative_penalties) * path.mean_eigenvalue)
        return loss, path, penalty


@dataclass(frozen=True, kw_only=True)
class RidgeFit:
    """A ridge head with its penalty chosen."""

    path: RidgePath
    penalty: float

    @property
    def head(self) -> LinearHead:
        """The head fitted on all items."""
        return self.path.head(self.penalty)

    def with_chosen_hyperparameters(self) -> Ridge:
        """Keep the transform and its scaling; the penalty is chosen again."""
        chosen = (self.path.transform,)
        return (
            Ridge(transforms=(), scaled_transforms=chosen)
            if self.path.scaled
            else Ridge(transforms=chosen, scaled_transforms=())
        )

    def held_out(self, groups: IntArray) -> FloatArray:
        """Scores of each item without its group, by the block leave-one-out identity."""
        return self.path.held_out(groups, np.array([self.penalty]))[0]


@dataclass(frozen=True, kw_only=True)
class RidgePath:
    """Ridge solutions for all penalties, from one eigendecomposition.

    Attributes
    ----------
    scaled : whether features are scaled to unit variance
    centre, scale : shape (d,); transformed features become (x - centre) * scale
    target_mean : shape (k,), weighted
    eigenvalues : shape (r,), of the weighted scatter of the transformed, centered and scaled features
    loadings : shape (r, k), eigenvectors^T times the cross-products with the targets
    eigenvectors : shape (d, r), or None if `projections` are given
    projections : shape (n, r), of the problem's items along the eigenvectors, or None
    """

    problem: Problem
    transform: str
    scaled: bool
    centre: FloatArray
    scale: FloatArray
    target_mean: FloatArray
    eigenvalues: FloatArray
    loadings: FloatArray
    eigenvectors: FloatArray | None = None
    projections: FloatArray | None = None

    @classmethod
    def of(cls, problem: Problem, transform: str, *, scaled: bool, moments: Moments | None = None) -> RidgePath:
        """Decompose the smaller of the (n, n) Gram and the (d, d) scatter matrix.

        `moments` are those of the transformed features, if `moments_of` has computed them already.
        """
        n, d = problem.features.shape
        if n <= d:
            return cls._of_items(problem, transform, scaled=scaled)
        moments = moments_of(problem, transform) if moments is None else moments
        scale = _scale(np.diag(moments.scatter), scaled=scaled)
        eigenvalues, eigenvectors = np.linalg.eigh(scale[:, None] * moments.scatter * scale)
        keep = _significant(eigenvalues)
        eigenvectors = eigenvectors[:, keep]
        return cls(
            problem=problem,
            transform=transform,
            scaled=scaled,
            centre=moments.mean,
            scale=scale,
            target_mean=moments.target_mean,
            eigenvalues=eigenvalues[keep],
            loadings=eigenvectors.T @ (scale[:, None] * moments.cross),
            eigenvectors=eigenvectors,
        )

    @classmethod
    def _of_items(cls, problem: Problem, transform: str, *, scaled: bool) -> RidgePath:
        """Decompose the Gram matrix: X = U sqrt(eigenvalues) V^T, so that XV is U sqrt(eigenvalues)."""
        weights, signs = problem.weights, problem.signs
        x = _transformed(problem.features, transform)
        centre, target_mean = (np.average(values, axis=0, weights=weights) for values in (x, signs))
        x -= centre
        scale = _scale(weights @ np.square(x), scaled=scaled)
        root = np.sqrt(weights)[:, None]
        x *= scale * root
        eigenvalues, left = np.linalg.eigh(x @ x.T)
        keep = _significant(eigenvalues)
        left = left[:, keep] * np.sqrt(eigenvalues[keep])
        return cls(
            problem=problem,
            transform=transform,
            scaled=scaled,
            centre=centre,
            scale=scale,
            target_mean=target_mean,
            eigenvalues=eigenvalues[keep],
            loadings=left.T @ (root * (signs - target_mean)),
            projections=left / root,
        )

    @property
    def mean_eigenvalue(self) -> float:
        """The unit of the relative penalties; 1 if the features are constant."""
        total = float(self.eigenvalues.sum())
        return total / min(self.problem.features.shape) if total > 0 else 1.0

    def head(self, penalty: float) -> LinearHead:
        """The head for one penalty > 0, in units of the scatter matrix."""
        along = self.loadings / (self.eigenvalues + penalty)[:, None]  # (r, k)
        if self.eigenvectors is not None:
            coef = self.eigenvectors @ along
        else:
            assert self.projections is not None
            x = _rows(self.problem.features, self.transform, self.centre, self.scale)
            coef = x.T @ (self.problem.weights[:, None] * (self.projections @ (along / self.eigenvalues[:, None])))
        return LinearHead(
            transform=self.transform, centre=self.centre, scale=self.scale, coef=coef, intercept=self.target_mean
        )

    def held_out(self, groups: IntArray, penalties: FloatArray) -> FloatArray:
        """Scores of each item by the head fitted without the item's group, shape (n_penalties, n, k).

        A group may be of any size, but not all items.
        """
        weights, targets = self.problem.weights, self.problem.signs
        shrink = 1.0 / (self.eigenvalues + penalties[:, None])  # (n_penalties, r)
        scores = np.empty((len(penalties), *self.problem.targets.shape))
        for batch in _batches_of_groups(groups, rows_at_once(len(self.eigenvalues))):  # (n_groups, size)
            projected = self._project(batch.reshape(-1)).reshape(*batch.shape, -1)  # (n_groups, size, r)
            root = np.sqrt(weights[batch])[..., None]
            signs = targets[batch]
            intercept = root @ root.transpose(0, 2, 1) / weights.sum()
            for p, factor in enumerate(shrink):
                fitted = projected @ (factor[:, None] * self.loadings) + self.target_mean
                weighted = projected * root
                hat = (weighted * factor) @ weighted.transpose(0, 2, 1) + intercept
                rest = np.linalg.solve(np.eye(batch.shape[1]) - hat, root * (signs - fitted))
                scores[p, batch] = signs - rest / root
        return scores

    def _project(self, index: IntArray) -> FloatArray:
        """Centered and scaled features of some items along the eigenvectors, shape (m, r)."""
        if self.eigenvectors is None:
            assert self.projections is not None
            return self.projections[index]
        x = _rows(self.problem.features[index], self.transform, self.centre, self.scale)
        return x @ self.eigenvectors


def _choose_penalty(path: RidgePath, penalties: FloatArray) -> tuple[float, float]:
    """The strongest penalty whose held-out loss is within one standard error of the lowest, and the lowest loss.

    Under a shift the best penalty is stronger than the best one on held-out items; on groceries this rule is worth two points
    (docs/log.md). Breiman et al., Classification and Regression Trees, 1984, section 3.4.3.
    """
    problem = path.problem
    task = problem.task_spec
    item_losses = np.empty((len(penalties), len(problem.targets)))
    for i, scores in enumerate(path.held_out(problem.groups, penalties)):
        outputs = fit_calibration(scores, problem.targets, task).outputs(scores, task)
        item_losses[i] = task.losses(outputs, problem.targets)
    mean = item_losses.mean(axis=1)
    best = int(np.argmin(mean))
    allowed = mean[best] + item_losses[best].std() / np.sqrt(len(np.unique(problem.groups)))
    chosen = int(np.flatnonzero(mean <= allowed).max())
    return float(penalties[chosen]), float(mean[best])


def moments_of(problem: Problem, transform: str) -> Moments:
    """Moments of the transformed features and the regression targets, a chunk of rows at a time."""
    apply = get_transform(transform).apply
    weights, signs = problem.weights, problem.signs
    parts = (
        Moments.of(apply(np.asarray(problem.features[rows], dtype=np.float64)), signs[rows], weights[rows])
        for rows in _chunks(problem.features)
    )
    return functools.reduce(operator.add, parts)


def _rows(features: FloatArray, transform: str, centre: FloatArray, scale: FloatArray) -> FloatArray:
    return (_transformed(features, transform) - centre) * scale


def _transformed(features: FloatArray, transform: str) -> FloatArray:
    """Transform into a new array in double precision."""
    return np.array(get_transform(transform).apply(np.asarray(features, dtype=np.float64)))


def _scale(variance: FloatArray, *, scaled: bool) -> FloatArray:
    return 1.0 / np.sqrt(variance + 1e-9 * variance.mean() + 1e-300) if scaled else np.ones(len(variance))


def _significant(eigenvalues: FloatArray) -> NDArray[np.bool_]:
    return eigenvalues > _MIN_EIGENVALUE * max(float(eigenvalues[-1]), 0.0)


def _chunks(features: FloatArray) -> Iterator[slice]:
    step = rows_at_once(features.shape[1])
    return (slice(i, i + step) for i in range(0, len(features), step))


def _batches_of_groups(groups: IntArray, n_rows: int) -> Iterator[IntArray]:
    """Positions of items, shape (n_groups, size): batches of groups of equal size, about `n_rows` rows each."""
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    for size in np.unique(sizes):
        members = order[starts[sizes == size][:, None] + np.arange(size)]  # (n_groups, size)
        step = max(1, n_rows // int(size))
        yield from (members[i : i + step] for i in range(0, len(members), step))
