"""Boosted trees on the columns of a table: how they are grown is chosen on held-out groups, and their scores there calibrate them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.engines.threads import limit, n_threads
from headstart.evaluation.boosted import Boosted, Shape, spread_of
from headstart.evaluation.target_codes import N_FOLDS, code_table, cross_fitted_codes, spread_folds
from headstart.evaluation.trees import Trees, join_trees
from headstart.heads.calibration import Calibration, fit_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.boosted import Booster, Plan
    from headstart.evaluation.tree_features import TreeFeatures

_FEW_ROWS = 3000  # up to here all folds are held out, and the models of all folds are kept
_MAX_CODED = 6  # outputs whose codes trees are given, the commonest
_CODE_WEIGHT = 5.0  # rows that the mean of all counts in the code of a level
_NEVER = 12.0  # nats by which a class without items is below the others
_N_STAGES = 24  # after how many the held-out scores are looked at
_STEEPEST = 1.5  # slope of the calibration


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What did best on the held-out rows, and can be kept for a fit on more rows of the same table."""

    shape: Shape
    stages: int
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class TreeModel:
    """Scores of a table's columns: `trees.predict(features.rows(columns)) @ spread + intercept`.

    Attributes
    ----------
    spread : shape (n_targets, k)
    intercept : shape (k,)
    note : what was chosen
    chosen : the same; None of few rows, where the models of all folds are kept
    """

    features: TreeFeatures
    trees: Trees
    spread: FloatArray
    intercept: FloatArray
    note: str
    chosen: Chosen | None = None


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Rows to learn from, and the table of codes that was learned from them.

    Attributes
    ----------
    index : positions of the rows
    rows : their features, whose codes are cross-fitted
    features : with the table, for other rows
    """

    index: IntArray
    rows: FloatArray
    features: TreeFeatures


@dataclass(frozen=True, kw_only=True)
class _Choice(Chosen):
    """The same, with what was grown on each part, as far as was best."""

    grown: Sequence[Boosted]


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """What is to be learned; targets of about unit spread."""

    features: TreeFeatures
    columns: FloatArray
    targets: FloatArray
    task: TaskSpec
    booster: Booster
    groups: IntArray
    seed: int
    advance: Callable[[], None]

    def part(self, index: IntArray) -> _Part:
        """Code the categories of some rows."""
        plain, coded = self.features.plain(self.columns[index]), self.features.coded
        if not len(coded):
            return _Part(index=index, rows=plain, features=self.features)
        places, n_places = self.features.places(self.columns[index]), len(self.features.table)
        targets = _coded_targets(self.targets, self.task)[index]
        folds = spread_folds(self.groups[index], self.targets[index], N_FOLDS, self.seed)
        codes = cross_fitted_codes(places, n_places, targets, folds, _CODE_WEIGHT)
        table = code_table(places, n_places, targets, _CODE_WEIGHT)
        rows = np.concatenate([plain, codes], axis=1)
        return _Part(index=index, rows=rows, features=replace(self.features, table=table))

    def grow(self, part: _Part, shape: Shape, stages: int) -> Boosted:
        """Grow trees on the rows of a part."""
        rate = self.booster.plan(*self.targets.shape).rate
        targets = self.targets[part.index]
        grown = self.booster.grow(part.rows, targets, self.task, shape, stages=stages, rate=rate, seed=self.seed)
        self.advance()
        return grown


def fit_tree_model(
    features: TreeFeatures,
    columns: FloatArray,
    targets: FloatArray,
    task: TaskSpec,
    *,
    booster: Booster,
    groups: IntArray,
    seed: int,
    chosen: Chosen | None = None,
    advance: Callable[[], None] = lambda: None,
) -> TreeModel:
    """Fit boosted trees.

    Parameters
    ----------
    features : whose table is empty
    columns : shape (n, width), float32
    targets : shape (n, k)
    booster : what grows the trees
    groups : shape (n,), kept whole in the folds that choose, and in those of target codes
    chosen : by an earlier fit, so that nothing is held out
    advance : is called `n_growths` times, after each
    """
    n = len(targets)
    centre, scale = (np.zeros(1), 1.0) if task.has_probabilities else _location(targets)
    problem = _Problem(
        features=features,
        columns=columns,
        targets=(targets - centre) / scale,
        task=task,
        booster=booster,
        groups=groups,
        seed=seed,
        advance=advance,
    )
    plan = booster.plan(*targets.shape)
    holds_out_all = _holds_out_all(n, plan)
    with limit(1 if n <= _FEW_ROWS else n_threads()):
        folds = [] if chosen else _held_out_folds(groups, problem.targets, seed, every=holds_out_all)
        parts = [problem.part(train) for train, _ in folds]
        choice = chosen or _choose(problem, parts, [test for _, test in folds])
        if isinstance(choice, _Choice) and holds_out_all and folds:
            return _joined(problem, parts, choice.grown, choice, centre=centre, scale=scale)
        del parts
        parts = [problem.part(np.arange(n))]
        grown = [problem.grow(parts[0], choice.shape, choice.stages)]
    model = _joined(problem, parts, grown, choice, centre=centre, scale=scale)
    return replace(model, chosen=Chosen(shape=choice.shape, stages=choice.stages, calibration=choice.calibration))


def n_growths(booster: Booster, groups: IntArray, n_outputs: int, *, is_chosen: bool = False) -> int:
    """How many times trees are grown on rows of these groups."""
    n, n_groups = len(groups), len(np.unique(groups))
    plan = booster.plan(n, n_outputs)
    holds_out_all = _holds_out_all(n, plan)
    n_folds = 0 if n_groups < 2 or is_chosen else min(N_FOLDS, n_groups) if holds_out_all else 1
    return len(plan.shapes) * n_folds + (not holds_out_all or not n_folds)


def _holds_out_all(n_rows: int, plan: Plan) -> bool:
    """Whether every fold is held out, and the models of all are kept."""
    return n_rows <= _FEW_ROWS and not plan.is_cut


def _choose(problem: _Problem, parts: Sequence[_Part], tests: Sequence[IntArray]) -> _Choice:
    """The shape and the number of stages whose scores have the lowest loss on rows that are held out, and how these are calibrated."""
    plan = problem.booster.plan(*problem.targets.shape)
    if not parts:
        unchanged = Calibration(slope=1.0, intercept=np.zeros(problem.targets.shape[1]), loss=float("nan"))
        return _Choice(shape=plan.shapes[0], stages=plan.stages // 5, grown=(), calibration=unchanged)
    stages = np.unique(np.geomspace(3, plan.stages, _N_STAGES).astype(int)).tolist()
    index = np.concatenate(tests)
    targets, task = problem.targets[index], problem.task
    best: tuple[float, Shape, int, Sequence[Boosted], FloatArray] | None = None
    for shape in plan.shapes:
        grown = [problem.grow(part, shape, plan.stages) for part in parts]
        staged = [
            one.staged(part.features.rows(problem.columns[test]), stages)
            for one, part, test in zip(grown, parts, tests, strict=True)
        ]
        scores = np.concatenate(staged, axis=1)
        losses = [float(task.losses(task.outputs(one), targets).mean()) for one in scores]
        i = int(np.argmin(losses))
        if best is None or losses[i] < best[0]:
            best = losses[i], shape, stages[i], [one.first(stages[i]) for one in grown], scores[i]
    assert best is not None
    _, shape, n_stages, kept, scores_of_best = best
    calibration = _bounded(fit_calibration(scores_of_best, targets, task), scores_of_best)
    return _Choice(shape=shape, stages=n_stages, grown=kept, calibration=calibration)


def _joined(
    problem: _Problem,
    parts: Sequence[_Part],
    grown: Sequence[Boosted],
    choice: Chosen,
    *,
    centre: FloatArray,
    scale: float,
) -> TreeModel:
    """The mean of the models of all parts, each with codes of its own, calibrated."""
    features, calibration = problem.features, choice.calibration
    tables = [part.features.table for part in parts]
    m, n_parts = tables[0].shape[1], len(parts)
    codes = np.arange(len(features.coded))[:, None] * (n_parts * m) + np.arange(m)
    trees = [
        one.trees.using(
            np.concatenate([np.arange(features.n_plain), features.n_plain + i * m + codes.ravel()]), 1 / n_parts
        )
        for i, one in enumerate(grown)
    ]
    start = np.mean([one.start for one in grown], axis=0)
    k = problem.targets.shape[1]
    intercept = scale * (calibration.slope * start + calibration.intercept) + centre
    if problem.task.is_single_label:
        seen = problem.targets.any(axis=0)
        intercept[~seen] = intercept[seen].min(initial=0.0) - _NEVER
    return TreeModel(
        features=replace(features, table=np.concatenate(tables, axis=1)),
        trees=join_trees(trees),
        spread=scale * calibration.slope * spread_of(k, trees[0].n_targets),
        intercept=intercept,
        note=f"{sum(map(len, trees)):,} {choice.shape}{problem.booster.plan(*problem.targets.shape).note}",
    )


def _bounded(calibration: Calibration, scores: FloatArray) -> Calibration:
    """The same calibration, its slope bounded: trees give log-odds already, and what hardly varies may not be blown up."""
    excess = max(0.0, calibration.slope - _STEEPEST)
    intercept = calibration.intercept + excess * scores.mean(axis=0)
    return replace(calibration, slope=calibration.slope - excess, intercept=intercept)


def _held_out_folds(
    groups: IntArray, targets: FloatArray, seed: int, *, every: bool
) -> list[tuple[IntArray, IntArray]]:
    """Positions (train, test) of each fold that is used: of many rows one, which is enough for a reliable choice."""
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        return []
    folds = spread_folds(groups, targets, min(N_FOLDS, n_groups), seed)
    used = range(int(folds.max()) + 1 if every else 1)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in used]


def _coded_targets(targets: FloatArray, task: TaskSpec) -> FloatArray:
    """The targets whose means are codes: of two classes one, of many the commonest."""
    if task.is_single_label and targets.shape[1] == 2:
        return targets[:, 1:]
    return targets[:, np.sort(np.argsort(-targets.sum(axis=0), kind="stable")[:_MAX_CODED])]


def _location(values: FloatArray) -> tuple[FloatArray, float]:
    """Mean and spread of values; 1 where they do not vary."""
    spread = float(values.std())
    return values.mean(axis=0), spread if spread > 0 else 1.0
