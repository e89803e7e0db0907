"""Tune: try one method after the other, starting from the closed-form head.

The one with the lowest loss on the held-out items is offered as part of the model, whose mean decides how much it counts
(`evaluation.mixing`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.core.errors import OptionError, require
from headstart.core.tasks import get_task
from headstart.tuning.starting_points import with_default_settings
from headstart.tuning.trial import CLOSED_FORM, MethodResult, Trial, gain_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.sources import Source
    from headstart.tuning.cross_fitting import CrossFit, Fold
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

_SUFFICIENT_HELD_OUT = 200  # items: more folds would hardly narrow the interval of a gain
_MAX_AVERAGED = 3


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """The outcome of tuning.

    Attributes
    ----------
    index : shape (m,), positions, among the items of the tuning problem, on which the methods were compared
    results : of all methods, the closed form first
    best : the cross-fit of the method with the lowest loss; None if none ran to its end
    outputs : shape (m, k), nested predictions for the items at `index`: for each block, those of the method selected on the others
    n_folds : how many of the first folds these items are from
    """

    index: IntArray
    results: tuple[MethodResult, ...]
    best: CrossFit | None
    outputs: FloatArray
    n_folds: int


def supported_methods(
    source: Source, task: Task, n_items: int, n_outputs: int, *, name: str | None = None
) -> list[TuningMethod]:
    """The method of that name, or all that are applicable and worth trying, in order, with settings that worked on earlier tasks.

    Raises
    ------
    OptionError
        The named method does not support this source and task.
    MissingExtraError
        torch is not installed.
    """
    require("torch", extra="train", purpose="tuning a network")
    names = registry.names("tuning_methods") if name is None else (name,)
    methods: list[TuningMethod] = [registry.get("tuning_methods", one)() for one in names]
    methods.sort(key=lambda method: (method.first_on != source.input.kind, method.order))
    supported = [with_default_settings(method, source) for method in methods if method.supports(source, get_task(task))]
    if name is None:
        return [method for method in supported if method.is_worth_trying(n_items, n_outputs)]
    if not supported:
        raise OptionError(
            f"method '{name}' does not support {source.name} on {task} tasks. Use 'auto', or another source."
        )
    return supported


def first_sufficient_folds(folds: Sequence[Fold]) -> Sequence[Fold]:
    """The first folds, up to the one that completes enough held-out items to compare methods."""
    sizes = np.cumsum([len(test) for _, test in folds])
    return folds[: int(np.searchsorted(sizes, _SUFFICIENT_HELD_OUT)) + 1]


def tune(
    tuning_problem: TuningProblem,
    planned: Sequence[PlannedRun],
    folds: Sequence[Fold],
    *,
    below: FloatArray,
    n_final: int = 1,
    searches: bool = False,
) -> TuningResult:
    """Try each method in the planned order, on the `first_sufficient_folds`, and compare it with the best so far.

    Parameters
    ----------
    planned : as `tuning.plan.plan` gives them
    folds : pairs of positions (train, test) with disjoint test parts
    below : shape (m, k), outputs of the closed-form head for the test items, fold after fold
    n_final : runs on all items that follow, for which there should be time
    searches : whether to search better settings for the kept method in the remaining budget

    A method that would exceed the budget of the problem's context is not tried, and the result says so. If the first one turns out to be slower
    than planned, all are compared on the folds that it had time for.
    """
    folds = first_sufficient_folds(folds)
    index = np.concatenate([test for _, test in folds])
    below = below[: len(index)]
    best_result = MethodResult(name=CLOSED_FORM, outputs=below, kept=True, why="the starting point of tuning")
    results, best, nested_outputs, queue = [best_result], None, below, list(planned)
    while queue:
        trial = Trial(tuning_problem, queue.pop(0), best_result, n_final=n_final, is_first=best is None)
        result, cross_fitted = trial.run(folds)
        results.append(result)
        if cross_fitted is not None and result.outputs is not None:
            if best is None:
                best, nested_outputs = cross_fitted, result.outputs
                if cross_fitted.stopped:
                    index, folds = cross_fitted.index, folds[: cross_fitted.n_folds]
                    best_result = results[0] = replace(best_result, outputs=below[: len(index)])
            else:
                nested_outputs = _nested_choice(
                    tuning_problem, index, cross_fitted.block, nested_outputs, result.outputs
                )
            if result.kept:
                best_result, best = result, cross_fitted
        if searches and best is not None and not queue:
            queue, searches = _with_other_settings(tuning_problem, best, planned, folds), False
    return TuningResult(index=index, results=tuple(results), best=best, outputs=nested_outputs, n_folds=len(folds))


def _with_other_settings(
    tuning_problem: TuningProblem, best: CrossFit, planned: Sequence[PlannedRun], folds: Sequence[Fold]
) -> list[PlannedRun]:
    """The kept method again, with settings found by a search in the remaining budget; empty if that is too little."""
    from headstart.tuning.cross_fitting import search_settings, soup_settings
    from headstart.tuning.plan import PlannedRun

    left_s = tuning_problem.context.clock.left_s
    if left_s is None:
        return []
    started = time.perf_counter()
    seconds = next(one.seconds for one in planned if one.method == best.method)
    max_members = min(_MAX_AVERAGED, int(left_s / 2 / seconds))  # leaves time to run the method after the search
    if max_members < 1:
        return []
    found = search_settings(tuning_problem, best.method, folds[0], budget_s=left_s - max_members * seconds)
    settings = soup_settings(tuning_problem, best.method, folds[0], found, max_members=max_members)
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


def _is_better(tuning_problem: TuningProblem, index: IntArray, above: FloatArray, below: FloatArray) -> bool:
    """Whether the mean loss on the items at `index` is lower."""
    return gain_of(tuning_problem, index, above, below).mean > 0


def _nested_choice(
    tuning_problem: TuningProblem, index: IntArray, block: IntArray, below: FloatArray, above: FloatArray
) -> FloatArray:
    """For each block, the outputs `above` if the method would be kept on the other blocks alone, else those `below`."""
    chosen = below.copy()
    for one in np.unique(block):
        here = block == one
        if _is_better(tuning_problem, index[~here], above[~here], below[~here]):
            chosen[here] = above[here]
    return chosen
