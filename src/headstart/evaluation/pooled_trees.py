"""Pooled trees: boosting on the target's rows and those of another table together, each of the other's counted as much as held-out rows say.

A column says which table a row is of. Share 0 of the other table is "no transfer", 1 counts its rows as the target's own. All shares are
fitted on the same folds of the target, and averaged by how likely its held-out rows are under each, as in `heads.offset`.

References
----------
Ibrahim and Chen, Power prior distributions for regression models, Statistical Science 2000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.boosted import Shape, spread_of
from headstart.evaluation.histogram_boosting import boost
from headstart.evaluation.target_codes import spread_folds
from headstart.evaluation.trees import Trees, join_trees
from headstart.heads.calibration import fit_calibration
from headstart.heads.offset import candidate_weights

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.boosted import Boosted

SHARES = (0.0, 0.1, 1.0)
_PRIOR = np.array([0.1, 0.2, 0.7])  # pooling all rows was best at 30 to 1,000 rows of the target (docs/log.md)
_N_FOLDS = 3
_LEAST_WEIGHT = 0.02  # of a share whose trees are kept
_ALONE = Shape(leaves=4, least=3, l2=1.0, features=0.5)
_TOGETHER = Shape(leaves=24, least=15, l2=1.0, features=0.5)
_STAGES, _RATE = 100, 0.07


@dataclass(frozen=True, kw_only=True)
class PooledTrees:
    """Trees on the target's columns: scores are `trees.predict(rows) @ spread + intercept`.

    Attributes
    ----------
    spread, intercept : shapes (n_targets, k) and (k,)
    weights : of `SHARES`, of sum 1
    """

    trees: Trees
    spread: FloatArray
    intercept: FloatArray
    weights: FloatArray

    @property
    def mean_share(self) -> float:
        """How much a row of the other table counts, on average."""
        return float(self.weights @ np.array(SHARES))

    def scores(self, rows: FloatArray) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray(self.trees.predict(rows) @ self.spread + self.intercept)


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """Rows of features, float32, shape (n, d), and targets, shape (n, k)."""

    rows: FloatArray
    targets: FloatArray

    def take(self, index: IntArray) -> Labeled:
        """The rows at `index`."""
        return Labeled(rows=self.rows[index], targets=self.targets[index])


def fit_pooled(own: Labeled, other: Labeled, groups: IntArray, *, task: TaskSpec, seed: int = 0) -> PooledTrees:
    """Fit on both tables; only rows of the target are held out.

    Parameters
    ----------
    own, other : of the target, and of the other table, of the same features and outputs
    groups : of the target's rows, shape (n,)
    """
    k, (centre, scale) = own.targets.shape[1], _location(own.targets, task)
    own, other = (replace(one, targets=(one.targets - centre) / scale) for one in (own, other))
    n_folds = max(1, min(_N_FOLDS, len(np.unique(groups))))
    folds = spread_folds(groups, own.targets, n_folds, seed)
    held_out = np.zeros((len(SHARES), *own.targets.shape))
    grown: list[list[Boosted]] = [[] for _ in SHARES]
    for fold in range(n_folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        train = train if len(train) else test
        for i, share in enumerate(SHARES):
            fitted = _grow(own.take(train), other, share, task, seed)
            held_out[i, test] = _scores(fitted, own.rows[test])
            grown[i].append(fitted)
    weights = candidate_weights(held_out, own.targets, groups, _PRIOR, task)
    weights = np.where(weights < _LEAST_WEIGHT, 0.0, weights)
    weights = weights / weights.sum()
    calibration = fit_calibration(np.tensordot(weights, held_out, axes=1), own.targets, task)
    parts = [(one, w / n_folds) for fits, w in zip(grown, weights, strict=True) if w > 0 for one in fits]
    start = np.sum([w * one.start for one, w in parts], axis=0)
    width = np.arange(own.rows.shape[1])
    trees = join_trees([one.trees.using(width, w) for one, w in parts])
    return PooledTrees(
        trees=trees,
        spread=scale * calibration.slope * spread_of(k, trees.n_targets),
        intercept=scale * (calibration.slope * start + calibration.intercept) + centre,
        weights=weights,
    )


def _grow(own: Labeled, other: Labeled, share: float, task: TaskSpec, seed: int) -> Boosted:
    """Trees of both tables, of which what the column of the table decides is decided for the target."""
    if share == 0:
        return boost(own.rows, own.targets, task, _ALONE, stages=_STAGES, rate=_RATE, seed=seed)
    rows = np.concatenate([_marked(own.rows, 1), _marked(other.rows, 0)])
    weights = np.repeat([1.0, share], [len(own.rows), len(other.rows)])
    targets = np.concatenate([own.targets, other.targets])
    fitted = boost(rows, targets, task, _TOGETHER, stages=_STAGES, rate=_RATE, seed=seed, weights=weights)
    return replace(fitted, trees=fitted.trees.with_value(own.rows.shape[1], 1.0))


def _scores(fitted: Boosted, rows: FloatArray) -> FloatArray:
    return np.asarray(fitted.start + fitted.trees.predict(rows) @ spread_of(len(fitted.start), fitted.trees.n_targets))


def _marked(rows: FloatArray, table: int) -> FloatArray:
    return np.column_stack([rows, np.full(len(rows), table, np.float32)]).astype(np.float32)


def _location(targets: FloatArray, task: TaskSpec) -> tuple[FloatArray, float]:
    """Mean and spread of values; probabilities stay as they are."""
    if task.has_probabilities:
        return np.zeros(1), 1.0
    spread = float(targets.std())
    return targets.mean(axis=0), spread if spread > 0 else 1.0
