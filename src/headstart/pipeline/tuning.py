"""Tune the methods above the closed-form head, and measure the highest that is kept where the proof wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.core.dataset import Notice
from headstart.core.errors import OptionError
from headstart.core.intervals import gain
from headstart.engines.heap import keeping_freed_memory
from headstart.evaluation.tuned_network import Tuned
from headstart.features import embed
from headstart.sources import Source

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.evaluation import Experiment
    from headstart.heads.head import EnsembleHead
    from headstart.tuning import TuningProblem, TuningResult
    from headstart.tuning.cross_fitting import Fold
    from headstart.tuning.tuning_method import TuningMethod

NO_TUNING = "none"
_SHARE = 0.6  # of what is left of a budget: the proof needs the rest


def tuning_method_names() -> tuple[str, ...]:
    """Names of the methods that tune a network."""
    return registry.names("tuning_methods")


def tune_source(experiment: Experiment, *, method: str) -> Tuned:
    """Try the method of that name, or with 'auto' all that suit and pay, above the closed-form head.

    Of several sources that are blended, the first is tuned, and its network alone has to beat the blend.

    Raises
    ------
    OptionError
        The method does not suit the source or the task.
    MissingExtraError
        torch is not installed.
    """
    from headstart.tuning import tune
    from headstart.tuning.plan import describe_plan, plan
    from headstart.tuning.running_loss import Diverged
    from headstart.tuning.selection import supported_methods

    tuning_problem, folds, below = prepared(experiment)
    n_items, n_outputs = tuning_problem.problem.targets.shape
    name = None if method == "auto" else method
    chosen: list[TuningMethod] = supported_methods(
        tuning_problem.source, experiment.dataset.task, n_items, n_outputs, name=name
    )
    left_s = experiment.context.clock.left_s
    context = experiment.context.with_budget(None if left_s is None else max(left_s * _SHARE, 1e-3))
    tuning_problem = replace(tuning_problem, context=context)
    # where the folds are also those that prove, a search would look at items that prove
    searches = method == "auto" and experiment.plan.kind != "cross-validation"
    with keeping_freed_memory():
        planned = plan(tuning_problem, chosen, folds)
        if planned:
            context.notice("plan", describe_plan(planned, context.clock.left_s))
        tuning_result = tune(tuning_problem, planned, folds, below=below, searches=searches)
        tried = tried_of(tuning_result, experiment, tuning_problem)
        if tuning_result.best is None:
            return tried
        try:
            measured = _measured(experiment, tuning_problem, tuning_result, folds, tried)
        except Diverged:
            return _without(tried, "stopped: on all items its loss grew beyond all bounds")
    worse = _worse(experiment, measured, below)
    return measured if worse is None else _without(tried, worse)


def prepared(experiment: Experiment) -> tuple[TuningProblem, list[Fold], FloatArray]:
    """What `tune` takes: the tuning problem, the folds, and what the closed form says of the held-out items, fold after fold."""
    fold_groups = _fold_groups(experiment)
    folds = _folds(experiment, fold_groups)
    below = np.concatenate([_closed_form(experiment, train, test) for train, test in folds])
    alone = experiment if len(experiment.source.parts) == 1 else experiment.only({next(iter(experiment.source.parts))})
    assert isinstance(alone.source, Source)
    return _tuning_problem(alone, alone.source, fold_groups), folds, below


def tried_of(tuning_result: TuningResult, experiment: Experiment, tuning_problem: TuningProblem) -> Tuned:
    """The methods, before the highest that was kept is tuned on everything."""
    return Tuned(
        results=tuning_result.results,
        index=experiment.plan.final[tuning_result.index],
        fold_groups=tuning_problem.fold_groups[tuning_result.index],
    )


def _without(tried: Tuned, why: str) -> Tuned:
    """The methods, those that were kept above the closed form no longer so, and why."""
    results = [
        replace(result, kept=False, why=why) if result.kept and result.below else result for result in tried.results
    ]
    return replace(tried, results=tuple(results))


def _worse(experiment: Experiment, measured: Tuned, below: FloatArray) -> str | None:
    """Why what was kept is not taken after all: it is significantly worse on the items that prove; None where it is not.

    A closed form that wins so by chance, once in forty times, was no worse; so its own score stays honest.
    """
    plan, dataset = experiment.plan, experiment.dataset
    if plan.kind != "cross-validation":
        below = experiment.adapt(plan.train).head.outputs(experiment.features[plan.test])
    assert measured.outputs is not None
    targets, groups = dataset.targets[plan.test], experiment.groups[plan.test]
    metric = dataset.task_spec.headline(dataset.targets[plan.final])
    found = gain(metric, targets, measured.outputs, below, groups, seed=experiment.seed)
    if not found.high < 0:  # so written, a gain without a value is none
        return None
    return (
        f"on the {len(targets)} items that prove it was significantly worse than the closed form "
        f"({found.value:+.3f} in {metric.name})"
    )


def _measured(
    experiment: Experiment, tuning_problem: TuningProblem, tuning_result: TuningResult, folds: list[Fold], tried: Tuned
) -> Tuned:
    """Tune on all that may be trained on, and ask networks that did not see them about the items that prove."""
    from headstart.tuning.cross_fitting import predict_remaining_folds, refit_on_all
    from headstart.tuning.selection import first_sufficient_folds

    assert tuning_result.best is not None
    plan, name = experiment.plan, experiment.dataset.name
    source, head = refit_on_all(tuning_problem, tuning_result.best, np.arange(len(plan.final)), dataset=name)
    if plan.kind == "cross-validation":
        outputs = tuning_result.outputs
        if others := folds[len(first_sufficient_folds(folds)) :]:
            outputs = np.concatenate([outputs, predict_remaining_folds(tuning_problem, tuning_result.best, others)])
    elif plan.kind == "given":
        outputs = _outputs(experiment, source, head, plan.test)
    else:
        train = np.searchsorted(plan.final, plan.train)
        outputs = _outputs(
            experiment, *refit_on_all(tuning_problem, tuning_result.best, train, dataset=name), plan.test
        )
    features = embed(tuning_problem.items, source, context=experiment.context).values
    return replace(
        tried,
        source=source,
        head=head,
        features=features,
        outputs=outputs,
        held_out=tuning_result.outputs,
    )


def _outputs(experiment: Experiment, source: Source, head: EnsembleHead, index: IntArray) -> FloatArray:
    features = embed([experiment.dataset.items[i] for i in index], source, context=experiment.context, cache=False)
    return head.outputs(features.values)


def _closed_form(experiment: Experiment, train: IntArray, test: IntArray) -> FloatArray:
    """What the closed-form head says of items that it was fitted without, in positions among the final items."""
    final = experiment.plan.final
    return experiment.adapt(final[train]).head.outputs(experiment.features[final[test]])


def _tuning_problem(experiment: Experiment, source: Source, fold_groups: IntArray) -> TuningProblem:
    from headstart.tuning import TuningProblem

    final = experiment.plan.final
    return TuningProblem(
        source=source,
        items=[experiment.dataset.items[i] for i in final],
        problem=experiment.problem(final),
        fold_groups=fold_groups,
        head=experiment.head,
        context=experiment.context,
    )


def _folds(experiment: Experiment, fold_groups: IntArray) -> list[Fold]:
    """On which parts methods are compared, in positions among the final items: the proof's own folds, or parts of what it learns from."""
    from headstart.tuning.selection import inner_folds

    plan = experiment.plan
    if plan.kind == "cross-validation":
        return [(np.searchsorted(plan.final, train), np.searchsorted(plan.final, held)) for train, held in plan.folds]
    train = np.searchsorted(plan.final, plan.train)
    inner = inner_folds(fold_groups[train], experiment.dataset.targets[plan.final[train]], experiment.seed)
    return [(train[a], train[b]) for a, b in inner]


def _fold_groups(experiment: Experiment) -> IntArray:
    """What is held out together where methods are compared, shape (len(plan.final),): clusters of like items.

    A proof in folds holds out groups, and its folds serve here too, so there it is groups.
    """
    final = experiment.plan.final
    return (
        experiment.groups[final]
        if experiment.plan.kind == "cross-validation"
        else experiment.problem(final).conditions()
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
