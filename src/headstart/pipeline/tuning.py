"""Tune the network of a source as far as there is time, and hold it out on the folds of the proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.core.dataset import Notice
from headstart.core.errors import OptionError
from headstart.engines.heap import keeping_freed_memory
from headstart.evaluation.models import HeldOutModel
from headstart.evaluation.tuned_model import Trained, TunedModel
from headstart.evaluation.tuned_network import Tuned
from headstart.features import embed
from headstart.sources import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, IntArray
    from headstart.evaluation import Experiment
    from headstart.evaluation.evaluation import Evaluation
    from headstart.evaluation.models import FrozenModel
    from headstart.tuning import TuningProblem
    from headstart.tuning.cross_fitting import CrossFit, Fold
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.trial import MethodResult
    from headstart.tuning.tuning_method import TuningMethod

NO_TUNING = "none"
_MARGIN = 0.95  # of the time that is left, which a shortened run is to fill
_SHORTEST = 0.5  # of the usual length of a run: with fewer steps there is little to gain


def tuning_method_names() -> tuple[str, ...]:
    """Names of the methods that tune a network."""
    return registry.names("tuning_methods")


def tune_source(evaluation: Evaluation, *, method: str, max_methods: int | None = None) -> Tuned | None:
    """Try the method of that name, or with 'auto' those that suit and pay, on the best source that can be tuned.

    Each is held out on as many folds of the proof as there is time for, one at least.

    Parameters
    ----------
    max_methods : how many 'auto' tries at most; None for all

    Raises
    ------
    OptionError
        The method does not suit the source or the task.
    MissingExtraError
        torch is not installed.
    """
    frozen = _tunable(evaluation.frozen)
    if frozen is None:
        if method == "auto" or not evaluation.frozen:
            return None
        frozen = evaluation.frozen[0]
    with keeping_freed_memory():
        return _trained(evaluation, _held_out(evaluation, frozen, method, max_methods))


def _held_out(evaluation: Evaluation, frozen: FrozenModel, method: str, max_methods: int | None) -> Tuned:
    """Try the methods on as many folds as there is time for; the best one as a model that is not trained on all items yet."""
    from headstart.tuning import tune
    from headstart.tuning.plan import describe_plan, needs_final_run, plan

    experiment = frozen.experiment
    folds: Sequence[Fold] = experiment.plan.folds
    n_final = int(needs_final_run(folds, experiment.plan.final))
    tuning_problem = tuning_problem_of(experiment)
    methods = _methods(tuning_problem, len(experiment.plan.final), method)[:max_methods]
    planned = plan(tuning_problem, methods, folds, experiment.plan.final)
    left_s = experiment.context.clock.left_s  # without what planning took
    available_s = None if left_s is None else max(left_s - evaluation.reserved_s, 1e-3)
    # where there are several folds, a search on one would choose settings by items that others hold out
    searches = method == "auto" and max_methods is None and len(folds) == 1
    folds, planned = affordable(planned, folds, n_final, available_s)
    context = experiment.context.with_budget(available_s)
    tuning_problem = replace(tuning_problem, context=context)
    if planned:
        context.notice("plan", describe_plan(planned, context.clock.left_s))
    below = next(one.outputs for one in evaluation.held_out if one.model is frozen)
    found = tune(tuning_problem, planned, folds, below=below, n_final=n_final, searches=searches)
    if found.best is None:
        return Tuned(results=found.results, index=found.index)
    seconds = n_final * max(one.seconds for one in found.results) / found.n_folds
    model = _model(experiment, tuning_problem, found.best)
    return Tuned(
        results=found.results,
        index=found.index,
        model=HeldOutModel(model=model, outputs=found.outputs, seconds=seconds),
    )


def affordable(
    planned: Sequence[PlannedRun], folds: Sequence[Fold], n_final: int, available_s: float | None
) -> tuple[Sequence[Fold], tuple[PlannedRun, ...]]:
    """The first folds that there is time for, at least one, and the plan for them.

    The first method decides; a final run on all items costs about as much as a fold. Where there is no time for it after one fold, the network
    of that fold can ship; where there is not even time for one fold, the runs become shorter, down to half.

    Parameters
    ----------
    n_final : 1 if a run on all items follows those on the folds, 0 if a fold's run is that already
    """
    if available_s is None or not planned:
        return folds, tuple(planned)
    a_run_s = planned[0].seconds / (len(folds) + n_final)
    n_folds = int(np.clip(available_s / a_run_s - n_final, 1, len(folds)))
    has_final = n_final and available_s >= (n_folds + 1) * a_run_s
    share = (n_folds + has_final) / (len(folds) + n_final)
    length = float(np.clip(_MARGIN * available_s / a_run_s, _SHORTEST, 1.0))
    return folds[:n_folds], tuple(
        replace(
            one,
            seconds=one.seconds * share * length,
            method=replace(one.method, settings=one.method.settings.shortened(length)),
        )
        for one in planned
    )


def tuning_problem_of(experiment: Experiment) -> TuningProblem:
    """All items of the dataset, as tuning takes them; which are trained on and which are held out, the folds say."""
    from headstart.tuning import TuningProblem

    assert isinstance(experiment.source, Source)
    everything = np.arange(len(experiment.dataset))
    return TuningProblem(
        source=experiment.source,
        items=experiment.dataset.items,
        problem=experiment.problem(everything),
        fold_groups=experiment.groups,
        head=experiment.head,
        context=experiment.context,
    )


def check_tuning(dataset: Dataset, tune: str) -> Dataset:
    """Refuse a tuning method that was named where items have several fields; with 'auto' note that none is tried.

    Raises
    ------
    OptionError
        A method was named.
    """
    if tune == NO_TUNING or len(dataset.fields) == 1:
        return dataset
    if tune != "auto":
        raise OptionError(
            f"--tune {tune} tunes the network of one field, but items of '{dataset.name}' have {len(dataset.fields)}. "
            "Leave --tune out, or name one column with --input."
        )
    message = "No network is tuned: items have several fields, and the features of each stay frozen."
    return replace(dataset, notices=(*dataset.notices, Notice(kind="tuning", message=message)))


def _tunable(frozen: Sequence[FrozenModel]) -> FrozenModel | None:
    """The cheapest source that gains by tuning: static ones and joint ones do not."""
    tunable = [one for one in frozen if one.experiment.source.is_tunable]
    return min(tunable, key=lambda one: one.experiment.source.describe()["gmacs"], default=None)


def _methods(tuning_problem: TuningProblem, n_items: int, method: str) -> list[TuningMethod]:
    from headstart.tuning.selection import supported_methods

    n_outputs = tuning_problem.problem.targets.shape[1]
    name = None if method == "auto" else method
    return supported_methods(tuning_problem.source, tuning_problem.problem.task, n_items, n_outputs, name=name)


def _model(experiment: Experiment, tuning_problem: TuningProblem, best: CrossFit) -> TunedModel:
    """What did best as a model, which is trained on all items only if it is asked for."""
    from headstart.tuning.cross_fitting import refit_on_all

    def train(index: IntArray) -> Trained:
        source, head = refit_on_all(tuning_problem, best, index, dataset=experiment.dataset.name)
        items = [experiment.dataset.items[i] for i in experiment.plan.final]
        return Trained(source=source, head=head, features=embed(items, source, context=experiment.context).values)

    return TunedModel(
        method=best.method.name,
        parent=tuning_problem.source,
        train=train,
        index=experiment.plan.final,
        fold=best.first.train,
    )


def _trained(evaluation: Evaluation, tuned: Tuned) -> Tuned:
    """Train the model on all items if it has a weight in the mean, or if there is no time for that take a fold's; without it if that diverges."""
    from headstart.tuning.running_loss import Diverged

    if tuned.model is None or not evaluation.mixture(tuned.model).weight_of("tuned"):
        return tuned
    model = tuned.model.model
    assert isinstance(model, TunedModel)
    left_s = evaluation.experiment.context.clock.left_s
    if left_s is not None and left_s - evaluation.reserved_s < tuned.model.seconds:
        n_items = f"{len(model.fold):,} of {len(model.index):,} items"
        why = f"; the network that ships learned from {n_items}: all would take about {tuned.model.seconds:.0f} s, which are not left"
        model = replace(model, index=model.fold)
        tuned = replace(tuned, results=_explained(tuned, why), model=replace(tuned.model, model=model))
    try:
        _ = model.trained
    except Diverged:
        why = "; stopped: on all items its loss grew beyond all bounds"
        return replace(tuned, results=_explained(tuned, why), model=None)
    return tuned


def _explained(tuned: Tuned, why: str) -> tuple[MethodResult, ...]:
    """The results, with something added to why the best method was kept or not."""
    return tuple(
        replace(one, why=one.why + why) if one.outputs is not None and one.below else one for one in tuned.results
    )
