"""Tune: method by method above the closed-form head, each kept only where it is better by more than one standard error over held-out groups."""

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
from headstart.tuning.starting_points import with_default_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.sources import Source
    from headstart.tuning.cross_fitting import CrossFit, Fold
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

_ENOUGH_HELD_OUT = 200  # items: further folds would narrow the interval of a gain little
_N_FOLDS = 4
_MOST_HELD_OUT = 1000  # items: a run asks about them four times
_MOST_AVERAGED = 3
CLOSED_FORM = "closed form"


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """One method, as it was tuned.

    Attributes
    ----------
    outputs : shape (m, k), of the held-out items by fits without them; of the first of them alone where it was given up; None
        where it was not tried, or diverged
    below : the method that it was compared with; None for the closed form
    planned_s, seconds : predicted and taken
    kept : whether the tuning went on from here
    why : the reason, for people
    how : settings, the trained share and alpha, as JSON values
    """

    name: str
    outputs: FloatArray | None
    below: MethodResult | None = None
    planned_s: float = 0.0
    seconds: float = 0.0
    kept: bool = False
    why: str = ""
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """Where the tuning ended.

    Attributes
    ----------
    index : shape (m,), positions of the items that the methods were compared on, among those of the tuning problem
    results : what was tried, the closed form first
    best : the cross-fit of the highest method that was kept; None where none is
    outputs : shape (m, k), for the items at `index`: each by the method that would have been kept without a look at its block
    """

    index: IntArray
    results: tuple[MethodResult, ...]
    best: CrossFit | None
    outputs: FloatArray


def supported_methods(
    source: Source, task: Task, n_items: int, n_outputs: int, *, name: str | None = None
) -> list[TuningMethod]:
    """Make the method of that name, or all that suit and pay, by their turns, with the settings that earlier tasks liked.

    Raises
    ------
    OptionError
        The one that was named does not suit.
    MissingExtraError
        torch is not installed.
    """
    require("torch", extra="train", purpose="tuning a network")
    names = registry.names("tuning_methods") if name is None else (name,)
    made: list[TuningMethod] = [registry.get("tuning_methods", one)() for one in names]
    made.sort(key=lambda method: method.order)
    fitting = [with_default_settings(method, source) for method in made if method.supports(source, get_task(task))]
    if name is None:
        return [method for method in fitting if method.is_worth_trying(n_items, n_outputs)]
    if not fitting:
        raise OptionError(
            f"method '{name}' does not suit {source.name} on a {task} task. Use 'auto', or another source."
        )
    return fitting


def inner_folds(fold_groups: IntArray, targets: FloatArray, seed: int) -> Sequence[Fold]:
    """Quarters of what is held out together, or smaller parts of many items, as many of them as are `first_sufficient_folds`."""
    n_folds = max(_N_FOLDS, round(len(fold_groups) / _MOST_HELD_OUT))
    folds = assign_folds(fold_groups, targets, n_folds, seed)
    parts = [(np.flatnonzero(folds != number), np.flatnonzero(folds == number)) for number in range(n_folds)]
    return first_sufficient_folds([(train, test) for train, test in parts if len(train) and len(test)])


def first_sufficient_folds(folds: Sequence[Fold]) -> Sequence[Fold]:
    """The first of them, as many as hold out enough items to tell methods apart."""
    sizes = np.cumsum([len(test) for _, test in folds])
    return folds[: int(np.searchsorted(sizes, _ENOUGH_HELD_OUT)) + 1]


def tune(
    tuning_problem: TuningProblem,
    planned: Sequence[PlannedRun],
    folds: Sequence[Fold],
    *,
    below: FloatArray,
    searches: bool = False,
) -> TuningResult:
    """Try each method on as many folds as are `first_sufficient_folds`, in the planned order, and go on from the best so far.

    Parameters
    ----------
    planned : as `tuning.plan.plan` gives them
    folds : pairs of positions (trained on, held out), the held-out parts apart from each other
    below : shape (m, k), what the closed-form head says of the held-out items, fold after fold
    searches : whether other settings are sought for the method that was kept, in what is left of a budget

    A method that would not fit in the budget of the problem's context is not tried, and named.
    """
    folds = first_sufficient_folds(folds)
    index = np.concatenate([test for _, test in folds])
    below = below[: len(index)]
    top = MethodResult(name=CLOSED_FORM, outputs=below, kept=True, why="where the tuning begins")
    results, best, nested_outputs, waiting = [top], None, below, list(planned)
    while waiting:
        result, cross_fitted = _try(tuning_problem, waiting.pop(0), folds, top)
        results.append(result)
        if cross_fitted is not None and result.outputs is not None and len(result.outputs) == len(index):
            nested_outputs = _nested_choice(tuning_problem, index, cross_fitted.block, nested_outputs, result.outputs)
            if result.kept:
                top, best = result, cross_fitted
        if searches and best is not None and not waiting:
            waiting, searches = _with_other_settings(tuning_problem, best, planned, folds), False
    return TuningResult(index=index, results=tuple(results), best=best, outputs=nested_outputs)


def _with_other_settings(
    tuning_problem: TuningProblem, best: CrossFit, planned: Sequence[PlannedRun], folds: Sequence[Fold]
) -> list[PlannedRun]:
    """The method that was kept, once more with settings that a search finds in what is left of a budget; none if it is too little."""
    from headstart.tuning.cross_fitting import search_settings, soup_settings
    from headstart.tuning.plan import PlannedRun

    left_s = tuning_problem.context.clock.left_s
    if left_s is None:
        return []
    started = time.perf_counter()
    seconds = next(one.seconds for one in planned if one.method == best.method)
    most = min(_MOST_AVERAGED, int(left_s / 2 / seconds))  # the method itself comes after the search
    if most < 1:
        return []
    found = search_settings(tuning_problem, best.method, folds[0], budget_s=left_s - most * seconds)
    settings = soup_settings(tuning_problem, best.method, folds[0], found, most=most)
    if settings == best.method.settings:
        return []
    return [
        PlannedRun(
            method=replace(best.method, settings=settings),
            seconds=seconds * len(settings.all_settings),
            note=", searched" if len(settings.all_settings) == 1 else f", soup of {len(settings.all_settings)}",
            spent_s=time.perf_counter() - started,
        )
    ]


def _try(
    tuning_problem: TuningProblem, planned: PlannedRun, folds: Sequence[Fold], below: MethodResult
) -> tuple[MethodResult, CrossFit | None]:
    from headstart.tuning.cross_fitting import cross_fit
    from headstart.tuning.running_loss import Diverged

    method, started = planned.method, time.perf_counter() - planned.spent_s
    common: dict[str, Any] = {"name": planned.name, "below": below, "planned_s": planned.seconds}
    how: dict[str, Any] = {"settings": asdict(method.settings)}
    left_s = tuning_problem.context.clock.left_s
    if left_s is not None and left_s < planned.seconds:
        why = (
            f"not tried: it would take about {planned.seconds:.0f} s, and {max(left_s, 0):.0f} s of the budget are left"
        )
        return MethodResult(outputs=None, why=why, how=how, **common), None
    assert below.outputs is not None
    lower, n_items = below.outputs, len(below.outputs)

    def should_continue(cross_fitted: CrossFit) -> bool:
        gain = _gain(
            tuning_problem,
            cross_fitted.index,
            cross_fitted.in_sample_outputs(tuning_problem.problem),
            lower[: len(cross_fitted.index)],
        )
        return gain.may_still_exceed_one_standard_error(share=len(cross_fitted.index) / n_items)

    try:
        cross_fitted = cross_fit(tuning_problem, method, folds, should_continue=should_continue)
    except Diverged:
        why = "stopped: its loss grew beyond all bounds"
        return MethodResult(outputs=None, seconds=time.perf_counter() - started, why=why, how=how, **common), None
    is_whole = len(cross_fitted.index) == n_items
    outputs = (
        cross_fitted.outputs(tuning_problem.problem)
        if is_whole
        else cross_fitted.in_sample_outputs(tuning_problem.problem)
    )
    kept = is_whole and _is_better(tuning_problem, cross_fitted.index, outputs, lower)
    why = f"{'' if kept else 'not '}better than the {below.name} by more than one standard error on held-out items"
    if not is_whole:
        why = f"given up after {len(outputs)} of {n_items} held-out items, where it was too far behind the {below.name}"
    if cross_fitted.n_retried:
        why += f"; {cross_fitted.n_retried} of its runs diverged and went on at a third of the rates"
    result = MethodResult(
        outputs=outputs,
        seconds=time.perf_counter() - started,
        kept=kept,
        why=why,
        how=how | cross_fitted.how(tuning_problem.problem),
        **common,
    )
    return result, cross_fitted


def _is_better(tuning_problem: TuningProblem, index: IntArray, above: FloatArray, below: FloatArray) -> bool:
    """Whether the paired loss on the items at `index` is lower by more than one standard error, and no fewer answers are right."""
    gain = _gain(tuning_problem, index, above, below)
    return gain.exceeds_one_standard_error and _n_right(tuning_problem, index, above) >= _n_right(
        tuning_problem, index, below
    )


def _n_right(tuning_problem: TuningProblem, index: IntArray, outputs: FloatArray) -> int:
    """Of the answers about the items at `index`; none is right or wrong in a regression."""
    return tuning_problem.problem.task_spec.n_right(outputs, tuning_problem.problem.targets[index])


def _gain(tuning_problem: TuningProblem, index: IntArray, above: FloatArray, below: FloatArray) -> PairedDifference:
    """By how much the loss falls on the items at `index`."""
    task, targets = tuning_problem.problem.task_spec, tuning_problem.problem.targets[index]
    lost_above, lost_below = (task.losses(outputs, targets) for outputs in (above, below))
    return PairedDifference.of(lost_below - lost_above, tuning_problem.fold_groups[index])


def _nested_choice(
    tuning_problem: TuningProblem, index: IntArray, block: IntArray, below: FloatArray, above: FloatArray
) -> FloatArray:
    """For each block, the outputs above where the other blocks alone would keep that method, else those below."""
    chosen = below.copy()
    for one in np.unique(block):
        here = block == one
        if _is_better(tuning_problem, index[~here], above[~here], below[~here]):
            chosen[here] = above[here]
    return chosen
