"""Method: one method's networks, trained on parts of the items and asked about the others, and what is best of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from headstart.data.holdout import assign_folds
from headstart.features import embed
from headstart.heads.calibration import fit_calibration
from headstart.heads.head import EnsembleHead
from headstart.sources.tuned import TunedSource
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import ALPHAS, Choice, Run
from headstart.tuning.running_loss import Diverged
from headstart.tuning.search import search
from headstart.tuning.soup import soup
from headstart.tuning.starting_points import starting_points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.calibration import Calibration
    from headstart.heads.problem import Problem
    from headstart.tuning.search import Report, SearchResult
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

    Fold = tuple[IntArray, IntArray]

T = TypeVar("T")
_OFFSET_PENALTY = 5.0  # items, where a network is judged


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """What networks that were tuned without an item say of it.

    Attributes
    ----------
    index : shape (m,), positions of the items that were held out
    block : shape (m,), which part each was held out with; where there was one alone, in which half of it the item lies
    scores : shape (N_POINTS, len(ALPHAS), m, k), raw
    n_retried : of its runs, those that diverged and were begun again at a third of the rates
    """

    method: TuningMethod
    index: IntArray
    block: IntArray
    scores: FloatArray
    n_retried: int = 0

    def choose(
        self, problem: Problem, among: NDArray[np.bool_] | None = None, *, offset_penalty: float = 1.0
    ) -> tuple[Choice, Calibration]:
        """The choice whose calibrated scores lose least on those of the held-out items that `among` marks; on all if it marks none."""
        inside = np.ones(len(self.index), bool) if among is None or not among.any() else among
        targets = problem.targets[self.index[inside]]
        found = {
            Choice(point, alpha): fit_calibration(
                self.scores[point, alpha, inside], targets, problem.task_spec, offset_penalty=offset_penalty
            )
            for point in range(len(self.scores))
            for alpha in range(len(ALPHAS))
        }
        return min(found.items(), key=lambda pair: pair[1].loss)

    def how(self, problem: Problem) -> dict[str, float]:
        """The share of the training that was best, and how far to go from the method below, as JSON values."""
        choice, _ = self.choose(problem)
        return {"trained": (choice.point + 1) / len(self.scores), "alpha": ALPHAS[choice.alpha]}

    def outputs(self, problem: Problem) -> FloatArray:
        """Outputs for the held-out items, shape (m, k), the choice and its calibration for each made without its block.

        Of what a block has much of, the others have less, so that offsets fitted to them lean away from it; here they are held
        closer to 0 than in what is shipped (docs/log.md, Tuning).
        """
        outputs = np.empty(self.scores.shape[2:])
        for block in np.unique(self.block):
            here = self.block == block
            choice, calibration = self.choose(problem, ~here, offset_penalty=_OFFSET_PENALTY)
            outputs[here] = calibration.outputs(self.scores[choice.point, choice.alpha, here], problem.task_spec)
        return outputs

    def in_sample_outputs(self, problem: Problem) -> FloatArray:
        """Outputs for the held-out items, the choice and its calibration made on themselves: better than they would be elsewhere."""
        choice, calibration = self.choose(problem)
        return calibration.outputs(self.scores[choice.point, choice.alpha], problem.task_spec)


def cross_fit(
    tuning_problem: TuningProblem,
    method: TuningMethod,
    folds: Sequence[Fold],
    *,
    should_continue: Callable[[CrossFit], bool] = lambda _: True,
) -> CrossFit:
    """Tune on the learning part of each fold and ask about its held-out part, at each point and for each blend.

    A run that diverges is begun again at a third of the rates, here as in `refit_on_all`.

    Parameters
    ----------
    should_continue : asked after each fold but the last; where it says no, the cross-fit is of the folds so far

    Raises
    ------
    Diverged
        A run's loss grew beyond all bounds both times.
    """
    scores, n_retried = [], 0
    for number, (train, test) in enumerate(folds, 1):
        run = Run(tuning_problem=tuning_problem, method=method, settings=method.settings, train=train, test=test)
        found, used = _retry_at_lower_rate(run, Run.scores)
        scores.append(found)
        n_retried += used != run.settings
        cross_fitted = _cross_fit_of(tuning_problem, method, folds[:number], scores, n_retried)
        if number == len(folds) or not should_continue(cross_fitted):
            break
    return cross_fitted


def _retry_at_lower_rate(run: Run, ask: Callable[[Run], T]) -> tuple[T, TuningSettings]:
    """Ask the run, or where that diverges the same run at a third of the rates; say which settings that took.

    The same rate can suit one draw and not another.
    """
    try:
        return ask(run), run.settings
    except Diverged:
        with_lower_rates = run.settings.with_lower_rates
        return ask(replace(run, settings=with_lower_rates)), with_lower_rates


def _cross_fit_of(
    tuning_problem: TuningProblem,
    method: TuningMethod,
    folds: Sequence[Fold],
    scores: Sequence[FloatArray],
    n_retried: int,
) -> CrossFit:
    index = np.concatenate([test for _, test in folds])
    block: IntArray = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    if len(folds) == 1:
        block = assign_folds(
            tuning_problem.fold_groups[index], tuning_problem.problem.targets[index], 2, tuning_problem.problem.seed
        )
    return CrossFit(method=method, index=index, block=block, scores=np.concatenate(scores, axis=2), n_retried=n_retried)


def predict_remaining_folds(tuning_problem: TuningProblem, cross_fitted: CrossFit, folds: Sequence[Fold]) -> FloatArray:
    """Outputs for the held-out items of other folds than the cross-fit's, fold after fold, as long and far as was best in the cross-fit.

    Raises
    ------
    Diverged
        A run's loss grew beyond all bounds.
    """
    choice, calibration = cross_fitted.choose(tuning_problem.problem)
    scores = cross_fit(tuning_problem, cross_fitted.method, folds).scores[choice.point, choice.alpha]
    return calibration.outputs(scores, tuning_problem.problem.task_spec)


def search_settings(
    tuning_problem: TuningProblem, method: TuningMethod, fold: Fold, *, budget_s: float
) -> SearchResult:
    """Search settings on what one fold learns from, a quarter of it held out; the part that it holds out is not looked at."""
    problem, start = tuning_problem.problem, _inner(tuning_problem, method, fold)
    asked = start.test

    def loss_of(scores: FloatArray) -> float:
        return min(fit_calibration(blend, problem.targets[asked], problem.task_spec).loss for blend in scores)

    def evaluate(settings: TuningSettings, report: Report) -> float:
        def watch(point: int, scores: FloatArray) -> None:
            if point < N_POINTS:  # at the last there is nothing left to save
                report(point, loss_of(scores))

        run = replace(start, settings=settings, watch=watch)
        try:
            return loss_of(run.scores()[-1])
        except Diverged:
            return math.inf

    return search(
        evaluate,
        method.settings,
        budget_s=budget_s,
        context=tuning_problem.context.with_seed(problem.seed),
        warm_starts=starting_points(method.name, tuning_problem.source.input.kind)[1:],  # it starts from the first
        unused_settings=method.unused_settings,
        key=start.identity,
    )


def soup_settings(
    tuning_problem: TuningProblem, method: TuningMethod, fold: Fold, found: SearchResult, *, most: int
) -> TuningSettings:
    """The best settings of a search, joined by others where the average of their runs loses less: a greedy soup of `most` at most."""
    start = _inner(tuning_problem, method, fold)
    refit_on_all = sorted((one for one in found.tried if one.ended == "finished"), key=lambda one: one.loss)
    alike = [one.settings for one in refit_on_all if one.settings.trainable_fraction == found.best.trainable_fraction][
        :most
    ]
    if len(alike) < 2:
        return found.best
    runs = [replace(start, settings=settings) for settings in alike]
    made = soup([run.tuned() for run in runs], runs[0].loss)
    best, *others = (alike[member] for member in made.members)
    return replace(best, soup_members=tuple(others))


def _inner(tuning_problem: TuningProblem, method: TuningMethod, fold: Fold) -> Run:
    """A run on three quarters of what a fold learns from, asked about the fourth."""
    train, targets = fold[0], tuning_problem.problem.targets
    quarters = assign_folds(tuning_problem.fold_groups[train], targets[train], 4, tuning_problem.problem.seed)
    inner, asked = train[quarters > 0], train[quarters == 0]
    return Run(tuning_problem=tuning_problem, method=method, settings=method.settings, train=inner, test=asked)


def refit_on_all(
    tuning_problem: TuningProblem, cross_fitted: CrossFit, index: IntArray, *, dataset: str
) -> tuple[TunedSource, EnsembleHead]:
    """Tune on all items at `index` as long, and go as far, as was best in the cross-fit; its calibration goes into the head."""
    choice, calibration = cross_fitted.choose(tuning_problem.problem)
    run = Run(
        tuning_problem=tuning_problem, method=cross_fitted.method, settings=cross_fitted.method.settings, train=index
    )
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
    head = head.calibrated(calibration.slope, calibration.offset)
    return source, EnsembleHead(
        heads=(head,), weights=(1.0,), names=(cross_fitted.method.name,), link=tuning_problem.problem.task_spec.link
    )
