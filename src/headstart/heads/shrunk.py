"""Shrunk: ridge towards one or more sources' coefficients, by adding their Moments to the target's.

The Moments of a source, each row of it counted `share` times (0 ≤ share ≤ 1), are what its rows would add to a pooled fit. Share 0 is "no
transfer", 1 pools all rows, and none is ever seen. Shares and penalty are chosen by the loss on held-out groups of the target, which are
taken out of the sum exactly, without refitting.

References
----------
Ibrahim and Chen, Power prior distributions for regression models, Statistical Science 2000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import InternalError
from headstart.core.moments import Moments
from headstart.heads.calibration import Calibration, fit_calibration
from headstart.heads.offset import fold_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

SHARES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
PENALTIES = (0.01, 0.1, 1.0, 10.0)
"""In rows of a feature of the mean variance."""
_ROUNDS = 2  # over the sources, each share with the others as they are


@dataclass(frozen=True, kw_only=True)
class FittedShrunk:
    """A linear model of the features, calibrated.

    Attributes
    ----------
    coef, intercept : shapes (d, k) and (k,)
    held_out : calibrated scores of each item by fits without its fold, shape (n, k)
    shares : of each source: how much each of its rows counts
    penalty : in rows of a feature of the mean variance
    loss : mean on held-out items: nats, or squared units
    """

    coef: FloatArray
    intercept: FloatArray
    held_out: FloatArray
    shares: tuple[float, ...]
    penalty: float
    loss: float

    def scores(self, features: FloatArray) -> FloatArray:
        """Scores (n, k) of features (n, d)."""
        return np.asarray(features @ self.coef + self.intercept)


@dataclass(frozen=True, kw_only=True)
class _Folds:
    """The target's rows, and the Moments of those outside each fold."""

    features: FloatArray
    targets: FloatArray
    folds: IntArray
    task: TaskSpec
    whole: Moments
    others: tuple[Moments | None, ...]
    sources: tuple[Moments, ...]

    def fit(self, shares: Sequence[float], penalty: float) -> tuple[FloatArray, Calibration]:
        """Raw held-out scores, and their calibration."""
        scores = np.zeros_like(self.targets)
        for fold, others in enumerate(self.others):
            test = self.folds == fold
            together = _pooled(others, self.sources, shares)
            if together is not None:
                coef, intercept = solve(together, penalty)
                scores[test] = self.features[test] @ coef + intercept
        return scores, fit_calibration(scores, self.targets, self.task)


def fit_shrunk(
    features: FloatArray,
    targets: FloatArray,
    groups: IntArray,
    sources: Sequence[Moments],
    *,
    task: TaskSpec,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
    penalties: Sequence[float] = PENALTIES,
) -> FittedShrunk:
    """Choose shares and penalty on held-out groups of the target and fit on all of its rows.

    Parameters
    ----------
    features, targets, groups : of the target's rows, shapes (n, d), (n, k) and (n,)
    sources : Moments of each source's features and of its `task.regression_targets`, of the same d and k
    """
    for source in sources:
        if source.cross.shape != (features.shape[1], targets.shape[1]):
            shapes = f"{source.cross.shape} and {(features.shape[1], targets.shape[1])}"
            raise InternalError(f"moments of a source and of the target have different features or labels: {shapes}")
    data = _folds_of(features, targets, groups, sources, task=task, seed=seed)
    best = min(_search(data, shares, penalties), key=lambda one: one[0])
    loss, chosen, penalty = best
    raw, calibration = data.fit(chosen, penalty)
    together = _pooled(data.whole, data.sources, chosen)
    assert together is not None
    coef, intercept = solve(together, penalty)
    return FittedShrunk(
        coef=coef * calibration.slope,
        intercept=intercept * calibration.slope + calibration.intercept,
        held_out=raw * calibration.slope + calibration.intercept,
        shares=chosen,
        penalty=penalty,
        loss=loss,
    )


def solve(moments: Moments, penalty: float) -> tuple[FloatArray, FloatArray]:
    """Ridge coefficients (d, k) and the intercept (k,) of Moments; the penalty in rows of a feature of the mean variance."""
    d = len(moments.mean)
    variance = float(np.trace(moments.scatter)) / max(d, 1) / moments.weight
    ridge = moments.scatter + penalty * max(variance, 1e-12) * np.eye(d)
    coef = np.linalg.solve(ridge, moments.cross)
    return coef, np.asarray(moments.target_mean - moments.mean @ coef)


def _folds_of(
    features: FloatArray,
    targets: FloatArray,
    groups: IntArray,
    sources: Sequence[Moments],
    *,
    task: TaskSpec,
    seed: int,
) -> _Folds:
    signs = task.regression_targets(targets)
    folds = fold_numbers(groups, targets, seed)
    whole = Moments.of(features, signs)
    parts = [folds == fold for fold in range(int(folds.max()) + 1)]
    others = tuple(whole - Moments.of(features[part], signs[part]) if not part.all() else None for part in parts)
    return _Folds(
        features=features,
        targets=targets,
        folds=folds,
        task=task,
        whole=whole,
        others=others,
        sources=tuple(sources),
    )


def _search(
    data: _Folds, shares: Sequence[float], penalties: Sequence[float]
) -> Iterator[tuple[float, tuple[float, ...], float]]:
    """Losses of shares and penalties: every one of a single source; of several, one source's share after the other's."""
    for penalty in penalties:
        chosen = [0.0] * len(data.sources)
        best = data.fit(chosen, penalty)[1].loss
        yield best, tuple(chosen), penalty
        for _ in range(_ROUNDS if len(data.sources) > 1 else 1):
            for i in range(len(data.sources)):
                for share in shares:
                    tried = [*chosen[:i], float(share), *chosen[i + 1 :]]
                    loss = data.fit(tried, penalty)[1].loss
                    yield loss, tuple(tried), penalty
                    if loss < best:
                        best, chosen = loss, tried


def _pooled(target: Moments | None, sources: Sequence[Moments], shares: Sequence[float]) -> Moments | None:
    """The target's Moments and a share of each source's; None where there is nothing."""
    total = target
    for source, share in zip(sources, shares, strict=True):
        if share > 0:
            part = source.scaled(share)
            total = part if total is None else total + part
    return total
