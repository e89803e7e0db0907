"""Cross-fit one tuning method: train on all folds but one, predict the held-out fold, and choose what worked best."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from headstart.data.holdout import assign_folds
from headstart.features import embed
from headstart.heads.calibration import fit_calibration
from headstart.heads.head import EnsembleHead
from headstart.sources.tuned import TunedSource
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import ALPHAS, Choice, Run
from headstart.tuning.running_loss import Diverged
from headstart.tuning.search import Pruned, search
from headstart.tuning.soup import soup
from headstart.tuning.starting_points import has_batch_norms, points_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.calibration import Calibration
    from headstart.heads.problem import Problem
    from headstart.tuning.search import ReportLoss, SearchResult
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

    Fold = tuple[IntArray, IntArray]

T = TypeVar("T")
Stopped = Literal["", "futile", "late"]
_NESTED_INTERCEPT_PENALTY = 5.0  # items, where a method is evaluated


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """Scores of each held-out item by networks that were tuned without it.

    Attributes
    ----------
    index : shape (m,), positions of the held-out items
    block : shape (m,), the fold of each; with a single fold, the half of it that the item is in
    scores : shape (N_POINTS, len(ALPHAS), m, k), raw
    n_folds : the number of folds
    first : the run on the training part of the first fold, which keeps its weights
    n_retried : number of runs that diverged and were restarted at a third of the rates
    is_half_trained : whether it was stopped halfway through the first run, so that `scores` has the first point only
    stopped : why there are no more folds
    """

    method: TuningMethod
    index: IntArray
    block: IntArray
    scores: FloatArray
    n_folds: int
    first: Run
    n_retried: int = 0
    is_half_trained: bool = False
    stopped: Stopped = ""

    def choose(
        self, problem: Problem, among: NDArray[np.bool_] | None = None, *, intercept_penalty: float = 1.0
    ) -> tuple[Choice, Calibration]:
        """The choice with the lowest calibrated loss on the held-out items marked by `among`; on all if it marks none."""
        inside = np.ones(len(self.index), bool) if among is None or not among.any() else among
        targets = problem.targets[self.index[inside]]
        found = {
            Choice(point, alpha): fit_calibration(
                self.scores[point, alpha, inside], targets, problem.task_spec, intercept_penalty=intercept_penalty
            )
            for point in range(len(self.scores))
            for alpha in range(len(ALPHAS))
        }
        return min(found.items(), key=lambda pair: pair[1].loss)

    def how(self, problem: Problem) -> dict[str, float]:
        """The best share of the training and the best interpolation (alpha), as JSON values."""
        choice, _ = self.choose(problem)
        n_points = N_POINTS if self.is_half_trained else len(self.scores)
        return {"trained": (choice.point + 1) / n_points, "alpha": ALPHAS[choice.alpha]}

    def outputs(self, problem: Problem) -> FloatArray:
        """Nested outputs for the held-out items, shape (m, k): choice and calibration are made without the item's block.

        A class over-represented in one fold is under-represented in the rest, so intercepts fitted there are biased; they are
        penalized more strongly here than in the model that ships (docs/log.md, Tuning).
        """
        outputs = np.empty(self.scores.shape[2:])
        for block in np.unique(self.block):
            here = self.block == block
            choice, calibration = self.choose(problem, ~here, intercept_penalty=_NESTED_INTERCEPT_PENALTY)
            outputs[here] = calibration.outputs(self.scores[choice.point, choice.alpha, here], problem.task_spec)
        return outputs

    def in_sample_outputs(self, problem: Problem) -> FloatArray:
        """Outputs for the held-out items, with choice and calibration made on the same items: optimistic."""
        choice, calibration = self.choose(problem)
        return calibration.outputs(self.scores[choice.point, choice.alpha], problem.task_spec)


def cross_fit(
    tuning_problem: TuningProblem,
    method: TuningMethod,
    folds: Sequence[Fold],
    *,
    should_stop: Callable[[CrossFit], Stopped] = lambda _: "",
) -> CrossFit:
    """Tune on the training part of each fold and score its test part, at each point and for each alpha.

    A run that diverges is restarted at a third of the rates, here and in `refit_on_all`.

    Parameters
    ----------
    should_stop : called halfway through the first run, and after each fold but the last, with the cross-fit so far, which is returned if there
        is a reason

    Raises
    ------
    Diverged
        The loss of a run grew without bound both times.
    """
    scores, n_retried = [], 0
    for number, (train, test) in enumerate(folds, 1):
        run = Run(tuning_problem=tuning_problem, method=method, settings=method.settings, train=train, test=test)
        if number == 1:
            first = run = replace(run, keeps_weights=True)
            run = replace(run, on_point=_stop_halfway(first, folds[:1], should_stop))
        try:
            found, used = _retry_at_lower_rate(run, Run.scores)
        except _StoppedHalfway as halfway:
            return halfway.cross_fitted
        if number == 1:
            first = replace(first, settings=used)
        scores.append(found)
        n_retried += used != run.settings
        cross_fitted = _cross_fit_of(first, folds[:number], scores, n_retried)
        if number < len(folds) and (stopped := should_stop(cross_fitted)):
            return replace(cross_fitted, stopped=stopped)
    return cross_fitted


class _StoppedHalfway(Pruned):
    """The first run does not go on."""

    def __init__(self, cross_fitted: CrossFit) -> None:
        super().__init__()
        self.cross_fitted = cross_fitted


def _stop_halfway(
    first: Run, folds: Sequence[Fold], should_stop: Callable[[CrossFit], Stopped]
) -> Callable[[int, FloatArray], None]:
    """Called with the number and the scores of each point of the first run; raises `_StoppedHalfway` before the last one."""

    def on_point(point: int, scores: FloatArray) -> None:
        if point < N_POINTS and not first.settings.soup_members:
            so_far = replace(_cross_fit_of(first, folds, [scores[None]], n_retried=0), is_half_trained=True)
            if stopped := should_stop(so_far):
                raise _StoppedHalfway(replace(so_far, stopped=stopped))

    return on_point


def _retry_at_lower_rate(run: Run, compute: Callable[[Run], T]) -> tuple[T, TuningSettings]:
    """Compute on the run, or if it diverges, on the same run at a third of the rates; also return the settings used.

    A rate can suit one fold and not another.
    """
    try:
        return compute(run), run.settings
    except Diverged:
        settings = run.settings.with_lower_rates
        return compute(replace(run, settings=settings)), settings


def _cross_fit_of(first: Run, folds: Sequence[Fold], scores: Sequence[FloatArray], n_retried: int) -> CrossFit:
    tuning_problem = first.tuning_problem
    index = np.concatenate([test for _, test in folds])
    block: IntArray = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    if len(folds) == 1:
        block = assign_folds(
            tuning_problem.fold_groups[index], tuning_problem.problem.targets[index], 2, tuning_problem.problem.seed
        )
    return CrossFit(
        method=first.method,
        index=index,
        block=block,
        scores=np.concatenate(scores, axis=2),
        n_folds=len(folds),
        first=first,
        n_retried=n_retried,
    )


def search_settings(
    tuning_problem: TuningProblem, method: TuningMethod, fold: Fold, *, budget_s: float
) -> SearchResult:
    """Search settings on the training part of one fold, a quarter of it held out; the fold's test part is not used."""
    problem, start = tuning_problem.problem, _inner(tuning_problem, method, fold)
    test = start.test

    def loss_of(scores: FloatArray) -> float:
        return min(fit_calibration(blend, problem.targets[test], problem.task_spec).loss for blend in scores)

    def evaluate(settings: TuningSettings, report: ReportLoss) -> float:
        def on_point(point: int, scores: FloatArray) -> None:
            if point < N_POINTS:  # stopping at the last point saves nothing
                report(point, loss_of(scores))

        run = replace(start, settings=settings, on_point=on_point)
        try:
            return loss_of(run.scores()[-1])
        except Diverged:
            return math.inf

    return search(
        evaluate,
        method.settings,
        budget_s=budget_s,
        context=tuning_problem.context.with_seed(problem.seed),
        warm_starts=points_for(method, tuning_problem.source)[1:],  # the first is the start
        unused_settings=(
            *method.unused_settings,
            *(() if has_batch_norms(tuning_problem.source) else ("learn_statistics",)),
        ),
        key=start.identity,
    )


def soup_settings(
    tuning_problem: TuningProblem, method: TuningMethod, fold: Fold, found: SearchResult, *, max_members: int
) -> TuningSettings:
    """The best settings of a search, plus others if averaging their runs lowers the loss: a greedy soup of up to `max_members`."""
    start = _inner(tuning_problem, method, fold)
    finished = sorted((one for one in found.tried if one.ended == "finished"), key=lambda one: one.loss)
    members = [one.settings for one in finished if _can_be_averaged(one.settings, found.best)][:max_members]
    if len(members) < 2:
        return found.best
    runs = [replace(start, settings=settings) for settings in members]
    made = soup([run.tuned() for run in runs], runs[0].loss)
    best, *others = (members[i] for i in made.members)
    return replace(best, soup_members=tuple(others))


def _can_be_averaged(one: TuningSettings, other: TuningSettings) -> bool:
    """Whether runs train the same arrays."""
    return (one.trainable_fraction, one.learn_statistics) == (other.trainable_fraction, other.learn_statistics)


def _inner(tuning_problem: TuningProblem, method: TuningMethod, fold: Fold) -> Run:
    """A run on three quarters of the training part of a fold, evaluated on the fourth."""
    train, targets = fold[0], tuning_problem.problem.targets
    quarters = assign_folds(tuning_problem.fold_groups[train], targets[train], 4, tuning_problem.problem.seed)
    inner_train, inner_test = train[quarters > 0], train[quarters == 0]
    return Run(
        tuning_problem=tuning_problem, method=method, settings=method.settings, train=inner_train, test=inner_test
    )


def refit_on_all(
    tuning_problem: TuningProblem, cross_fitted: CrossFit, index: IntArray, *, dataset: str
) -> tuple[TunedSource, EnsembleHead]:
    """Tune on all items at `index` with the choice made in the cross-fit; its calibration becomes part of the head.

    Where these are the items of the first fold's run, its weights are taken.
    """
    choice, calibration = cross_fitted.choose(tuning_problem.problem)
    run = replace(cross_fitted.first)  # with the network as it was before training
    if not np.array_equal(run.train, index):
        run = Run(tuning_problem=tuning_problem, method=run.method, settings=cross_fitted.method.settings, train=index)
    made, used = _retry_at_lower_rate(run, lambda one: one.weights(choice))
    state = {name.removeprefix("state "): array for name, array in made.items() if name.startswith("state ")}
    adapter = {name.removeprefix("adapter "): array for name, array in made.items() if name.startswith("adapter ")}
    how = {
        "method": cross_fitted.method.name,
        "settings": asdict(used),
        **cross_fitted.how(tuning_problem.problem),
        "seed": tuning_problem.problem.seed,
        "dataset": dataset,
    }
    source = TunedSource(tuning_problem.source, state, made=how, adapter=adapter)
    if cross_fitted.method.refits_head:
        head = tuning_problem.refit(embed([tuning_problem.items[i] for i in index], source).values, index)
    else:
        head = replace(tuning_problem.initial_head(index), coef=made["coef"], intercept=made["intercept"])
    head = head.calibrated(calibration.slope, calibration.intercept)
    return source, EnsembleHead(
        heads=(head,), weights=(1.0,), names=(cross_fitted.method.name,), link=tuning_problem.problem.task_spec.link
    )
