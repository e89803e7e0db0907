"""Rung: one strategy's networks, trained on parts of the items and asked about the others, and what is best of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from headstart.adaptation.calibration import fit_calibration
from headstart.adaptation.head import MixedHead
from headstart.data.holdout import assign_folds
from headstart.features import embed
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

    from headstart.adaptation.calibration import Calibration
    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.tuning.ground import Ground
    from headstart.tuning.search import Report, Searched
    from headstart.tuning.settings import Settings
    from headstart.tuning.strategy import Strategy

    Fold = tuple[IntArray, IntArray]

T = TypeVar("T")
_OFFSET_PENALTY = 5.0  # items, where a network is judged


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What networks that were tuned without an item say of it.

    Attributes
    ----------
    index : shape (m,), positions of the items that were held out
    block : shape (m,), which part each was held out with; where there was one alone, in which half of it the item lies
    scores : shape (N_POINTS, len(ALPHAS), m, k), raw
    n_calmed : of its runs, those that diverged and were begun again at a third of the rates
    """

    strategy: Strategy
    index: IntArray
    block: IntArray
    scores: FloatArray
    n_calmed: int = 0

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
        """The share of the training that was best, and how far to go from the rung below, as JSON values."""
        choice, _ = self.choose(problem)
        return {"trained": (choice.point + 1) / len(self.scores), "alpha": ALPHAS[choice.alpha]}

    def outputs(self, problem: Problem) -> FloatArray:
        """Outputs for the held-out items, shape (m, k), the choice and its calibration for each made without its block.

        Of what a block has much of, the others have less, so that offsets fitted to them lean away from it; here they are held
        closer to nought than in what is shipped (docs/log.md, Tuning).
        """
        outputs = np.empty(self.scores.shape[2:])
        for block in np.unique(self.block):
            here = self.block == block
            choice, calibration = self.choose(problem, ~here, offset_penalty=_OFFSET_PENALTY)
            outputs[here] = calibration.outputs(self.scores[choice.point, choice.alpha, here], problem.task_spec)
        return outputs

    def flattered(self, problem: Problem) -> FloatArray:
        """Outputs for the held-out items, the choice and its calibration made on themselves: better than they would be elsewhere."""
        choice, calibration = self.choose(problem)
        return calibration.outputs(self.scores[choice.point, choice.alpha], problem.task_spec)


def cross_fit(
    ground: Ground,
    strategy: Strategy,
    folds: Sequence[Fold],
    *,
    goes_on: Callable[[Trial], bool] = lambda _: True,
) -> Trial:
    """Tune on the learning part of each fold and ask about its held-out part, at each point and for each blend.

    A run that diverges is begun again at a third of the rates, here as in `finished`.

    Parameters
    ----------
    goes_on : asked after each fold but the last; where it says no, the trial is of the folds so far

    Raises
    ------
    Diverged
        A run's loss grew beyond all bounds both times.
    """
    scores, n_calmed = [], 0
    for number, (learnt, held_out) in enumerate(folds, 1):
        run = Run(ground=ground, strategy=strategy, settings=strategy.settings, learnt=learnt, held_out=held_out)
        found, used = _calmed(run, Run.scores)
        scores.append(found)
        n_calmed += used != run.settings
        trial = _trial(ground, strategy, folds[:number], scores, n_calmed)
        if number == len(folds) or not goes_on(trial):
            break
    return trial


def _calmed(run: Run, ask: Callable[[Run], T]) -> tuple[T, Settings]:
    """Ask the run, or where that diverges the same run at a third of the rates; say which settings that took.

    The same rate can suit one draw and not another.
    """
    try:
        return ask(run), run.settings
    except Diverged:
        calmer = run.settings.calmer
        return ask(replace(run, settings=calmer)), calmer


def _trial(
    ground: Ground, strategy: Strategy, folds: Sequence[Fold], scores: Sequence[FloatArray], n_calmed: int
) -> Trial:
    index = np.concatenate([held_out for _, held_out in folds])
    block: IntArray = np.repeat(np.arange(len(folds)), [len(held_out) for _, held_out in folds])
    if len(folds) == 1:
        block = assign_folds(ground.apart[index], ground.problem.targets[index], 2, ground.problem.seed)
    return Trial(strategy=strategy, index=index, block=block, scores=np.concatenate(scores, axis=2), n_calmed=n_calmed)


def elsewhere(ground: Ground, trial: Trial, folds: Sequence[Fold]) -> FloatArray:
    """Outputs for the held-out items of other folds than the trial's, fold after fold, as long and far as was best in the trial.

    Raises
    ------
    Diverged
        A run's loss grew beyond all bounds.
    """
    choice, calibration = trial.choose(ground.problem)
    scores = cross_fit(ground, trial.strategy, folds).scores[choice.point, choice.alpha]
    return calibration.outputs(scores, ground.problem.task_spec)


def searched(ground: Ground, strategy: Strategy, fold: Fold, *, budget_s: float) -> Searched:
    """Search settings on what one fold learns from, a quarter of it held out; the part that it holds out is not looked at."""
    problem, start = ground.problem, _inner(ground, strategy, fold)
    asked = start.held_out

    def loss_of(scores: FloatArray) -> float:
        return min(fit_calibration(blend, problem.targets[asked], problem.task_spec).loss for blend in scores)

    def evaluate(settings: Settings, report: Report) -> float:
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
        strategy.settings,
        budget_s=budget_s,
        seed=problem.seed,
        progress=ground.progress,
        liked=starting_points(strategy.name, ground.source.input.kind)[1:],  # it starts from the first
        unread=strategy.unread,
        journal=ground.journal,
        key=start.identity,
    )


def stirred(ground: Ground, strategy: Strategy, fold: Fold, found: Searched, *, most: int) -> Settings:
    """The best settings of a search, joined by others where the average of their runs loses less: a greedy soup of `most` at most."""
    start = _inner(ground, strategy, fold)
    finished = sorted((one for one in found.tried if one.ended == "finished"), key=lambda one: one.loss)
    alike = [one.settings for one in finished if one.settings.depth == found.best.depth][:most]
    if len(alike) < 2:
        return found.best
    runs = [replace(start, settings=settings) for settings in alike]
    made = soup([run.tuned() for run in runs], runs[0].loss)
    best, *others = (alike[member] for member in made.members)
    return replace(best, also=tuple(others))


def _inner(ground: Ground, strategy: Strategy, fold: Fold) -> Run:
    """A run on three quarters of what a fold learns from, asked about the fourth."""
    learnt, targets = fold[0], ground.problem.targets
    quarters = assign_folds(ground.apart[learnt], targets[learnt], 4, ground.problem.seed)
    inner, asked = learnt[quarters > 0], learnt[quarters == 0]
    return Run(ground=ground, strategy=strategy, settings=strategy.settings, learnt=inner, held_out=asked)


def finished(ground: Ground, trial: Trial, index: IntArray, *, dataset: str) -> tuple[TunedSource, MixedHead]:
    """Tune on all items at `index` as long, and go as far, as was best in the trial; its calibration goes into the head."""
    choice, calibration = trial.choose(ground.problem)
    run = Run(ground=ground, strategy=trial.strategy, settings=trial.strategy.settings, learnt=index)
    made, used = _calmed(run, lambda one: one.weights(choice))
    state = {name.removeprefix("state "): array for name, array in made.items() if name.startswith("state ")}
    adapter = {name.removeprefix("adapter "): array for name, array in made.items() if name.startswith("adapter ")}
    how = {
        "strategy": trial.strategy.name,
        "settings": asdict(used),
        **trial.how(ground.problem),
        "seed": ground.problem.seed,
        "dataset": dataset,
    }
    source = TunedSource(ground.source, state, made=how, adapter=adapter)
    if trial.strategy.refits_head:
        head = ground.refit(embed([ground.items[i] for i in index], source).values, index)
    else:
        head = replace(ground.began(index), matrix=made["matrix"], offset=made["offset"])
    head = head.calibrated(calibration.slope, calibration.offset)
    return source, MixedHead(
        heads=(head,), weights=(1.0,), names=(trial.strategy.name,), link=ground.problem.task_spec.link
    )
