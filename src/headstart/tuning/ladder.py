"""Climb: rung by rung above the closed-form head, each kept only where it is better by more than one standard error over held-out groups."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry
from headstart.core.errors import OptionError, require
from headstart.core.paired import PairedDifference
from headstart.core.tasks import get_task
from headstart.data.holdout import assign_folds
from headstart.tuning.starting_points import begun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.engines.clock import Clock
    from headstart.sources import Source
    from headstart.tuning.ground import Ground
    from headstart.tuning.plan import Planned
    from headstart.tuning.rung import Fold, Trial
    from headstart.tuning.strategy import Strategy

_ENOUGH_HELD_OUT = 200  # items: further folds would narrow the interval of a gain little
_N_FOLDS = 4
_MOST_HELD_OUT = 1000  # items: a run asks about them four times
_MOST_AVERAGED = 3
CLOSED_FORM = "closed form"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung, as it was climbed.

    Attributes
    ----------
    outputs : shape (m, k), of the held-out items by fits without them; of the first of them alone where it was given up; None
        where it was not tried, or diverged
    below : the rung that it was compared with; None for the closed form
    planned_s, seconds : foretold and taken
    kept : whether the climb went on from here
    why : the reason, for people
    how : settings, the trained share and alpha, as JSON values
    """

    name: str
    outputs: FloatArray | None
    below: Rung | None = None
    planned_s: float = 0.0
    seconds: float = 0.0
    kept: bool = False
    why: str = ""
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """Where the climb ended.

    Attributes
    ----------
    index : shape (m,), positions of the items that the rungs were compared on, among those of the ground
    rungs : what was tried, the closed form first
    best : the trial of the highest rung that was kept; None where none is
    outputs : shape (m, k), for the items at `index`: each by the rung that would have been kept without a look at its block
    """

    index: IntArray
    rungs: tuple[Rung, ...]
    best: Trial | None
    outputs: FloatArray


def suitable(source: Source, task: Task, n_items: int, n_outputs: int, *, name: str | None = None) -> list[Strategy]:
    """Make the strategy of that name, or all that suit and pay, by their turns, with the settings that earlier tasks liked.

    Raises
    ------
    OptionError
        The one that was named does not suit.
    MissingExtraError
        torch is not installed.
    """
    require("torch", extra="train", purpose="tuning a network")
    names = registry.names("strategies") if name is None else (name,)
    made: list[Strategy] = [registry.get("strategies", one)() for one in names]
    made.sort(key=lambda strategy: strategy.turn)
    fitting = [begun(strategy, source) for strategy in made if strategy.suits(source, get_task(task))]
    if name is None:
        return [strategy for strategy in fitting if strategy.pays(n_items, n_outputs)]
    if not fitting:
        raise OptionError(
            f"strategy '{name}' does not suit {source.name} on a {task} task. Use 'auto', or another source."
        )
    return fitting


def inner_folds(apart: IntArray, targets: FloatArray, seed: int) -> Sequence[Fold]:
    """Quarters of what is held out together, or smaller parts of many items, as many of them as are `enough`."""
    n_folds = max(_N_FOLDS, round(len(apart) / _MOST_HELD_OUT))
    folds = assign_folds(apart, targets, n_folds, seed)
    parts = [(np.flatnonzero(folds != number), np.flatnonzero(folds == number)) for number in range(n_folds)]
    return enough([(learnt, held_out) for learnt, held_out in parts if len(learnt) and len(held_out)])


def enough(folds: Sequence[Fold]) -> Sequence[Fold]:
    """The first of them, as many as hold out enough items to tell rungs apart."""
    sizes = np.cumsum([len(held_out) for _, held_out in folds])
    return folds[: int(np.searchsorted(sizes, _ENOUGH_HELD_OUT)) + 1]


def climb(
    ground: Ground,
    planned: Sequence[Planned],
    folds: Sequence[Fold],
    *,
    below: FloatArray,
    clock: Clock,
    searches: bool = False,
) -> Climbed:
    """Try each strategy on as many folds as are `enough`, in the planned order, and go on from the best so far.

    Parameters
    ----------
    planned : as `tuning.plan.plan` gives them
    folds : pairs of positions (learnt from, held out), the held-out parts apart from each other
    below : shape (m, k), what the closed-form head says of the held-out items, fold after fold
    clock : a rung that would not fit in its budget is not tried, and named
    searches : whether other settings are sought for the rung that was kept, in what is left of a budget
    """
    folds = enough(folds)
    index = np.concatenate([held_out for _, held_out in folds])
    below = below[: len(index)]
    top = Rung(name=CLOSED_FORM, outputs=below, kept=True, why="where the climb begins")
    rungs, best, honest, waiting = [top], None, below, list(planned)
    while waiting:
        rung, trial = _try(ground, waiting.pop(0), folds, top, clock)
        rungs.append(rung)
        if trial is not None and rung.outputs is not None and len(rung.outputs) == len(index):
            honest = _chosen_apart(ground, index, trial.block, honest, rung.outputs)
            if rung.kept:
                top, best = rung, trial
        if searches and best is not None and not waiting:
            waiting, searches = _with_other_settings(ground, best, planned, folds, clock), False
    return Climbed(index=index, rungs=tuple(rungs), best=best, outputs=honest)


def _with_other_settings(
    ground: Ground, best: Trial, planned: Sequence[Planned], folds: Sequence[Fold], clock: Clock
) -> list[Planned]:
    """The strategy that was kept, once more with settings that a search finds in what is left of a budget; none if it is too little."""
    from headstart.tuning.plan import Planned
    from headstart.tuning.rung import searched, stirred

    if clock.left_s is None:
        return []
    started = time.perf_counter()
    seconds = next(one.seconds for one in planned if one.strategy == best.strategy)
    most = min(_MOST_AVERAGED, int(clock.left_s / 2 / seconds))  # the rung itself comes after the search
    if most < 1:
        return []
    found = searched(ground, best.strategy, folds[0], budget_s=clock.left_s - most * seconds)
    settings = stirred(ground, best.strategy, folds[0], found, most=most)
    if settings == best.strategy.settings:
        return []
    return [
        Planned(
            strategy=replace(best.strategy, settings=settings),
            seconds=seconds * len(settings.each),
            note=", searched" if len(settings.each) == 1 else f", soup of {len(settings.each)}",
            spent_s=time.perf_counter() - started,
        )
    ]


def _try(
    ground: Ground, planned: Planned, folds: Sequence[Fold], below: Rung, clock: Clock
) -> tuple[Rung, Trial | None]:
    from headstart.tuning.rung import cross_fit
    from headstart.tuning.running_loss import Diverged

    strategy, started = planned.strategy, time.perf_counter() - planned.spent_s
    common: dict[str, Any] = {"name": planned.name, "below": below, "planned_s": planned.seconds}
    how: dict[str, Any] = {"settings": asdict(strategy.settings)}
    if clock.left_s is not None and clock.left_s < planned.seconds:
        why = f"not tried: it would take about {planned.seconds:.0f} s, and {max(clock.left_s, 0):.0f} s of the budget are left"
        return Rung(outputs=None, why=why, how=how, **common), None
    assert below.outputs is not None
    lower, n_items = below.outputs, len(below.outputs)

    def goes_on(trial: Trial) -> bool:
        gain = _gain(ground, trial.index, trial.flattered(ground.problem), lower[: len(trial.index)])
        return gain.may_still_exceed_one_standard_error(share=len(trial.index) / n_items)

    try:
        trial = cross_fit(ground, strategy, folds, goes_on=goes_on)
    except Diverged:
        why = "stopped: its loss grew beyond all bounds"
        return Rung(outputs=None, seconds=time.perf_counter() - started, why=why, how=how, **common), None
    is_whole = len(trial.index) == n_items
    outputs = trial.outputs(ground.problem) if is_whole else trial.flattered(ground.problem)
    kept = is_whole and _is_better(ground, trial.index, outputs, lower)
    why = f"{'' if kept else 'not '}better than the {below.name} by more than one standard error on held-out items"
    if not is_whole:
        why = f"given up after {len(outputs)} of {n_items} held-out items, where it was too far behind the {below.name}"
    if trial.n_calmed:
        why += f"; {trial.n_calmed} of its runs diverged and went on at a third of the rates"
    rung = Rung(
        outputs=outputs,
        seconds=time.perf_counter() - started,
        kept=kept,
        why=why,
        how=how | trial.how(ground.problem),
        **common,
    )
    return rung, trial


def _is_better(ground: Ground, index: IntArray, above: FloatArray, below: FloatArray) -> bool:
    """Whether the paired loss on the items at `index` is lower by more than one standard error, and no fewer answers are right."""
    gain = _gain(ground, index, above, below)
    return gain.exceeds_one_standard_error and _n_right(ground, index, above) >= _n_right(ground, index, below)


def _n_right(ground: Ground, index: IntArray, outputs: FloatArray) -> int:
    """Of the answers about the items at `index`; none is right or wrong in a regression."""
    return ground.problem.task_spec.n_right(outputs, ground.problem.targets[index])


def _gain(ground: Ground, index: IntArray, above: FloatArray, below: FloatArray) -> PairedDifference:
    """By how much the loss falls on the items at `index`."""
    task, targets = ground.problem.task_spec, ground.problem.targets[index]
    lost_above, lost_below = (task.losses(outputs, targets) for outputs in (above, below))
    return PairedDifference.of(lost_below - lost_above, ground.apart[index])


def _chosen_apart(ground: Ground, index: IntArray, block: IntArray, below: FloatArray, above: FloatArray) -> FloatArray:
    """For each block, the outputs above where the other blocks alone would keep that rung, else those below."""
    chosen = below.copy()
    for one in np.unique(block):
        here = block == one
        if _is_better(ground, index[~here], above[~here], below[~here]):
            chosen[here] = above[here]
    return chosen
