"""Prove: does transfer help? Compare the model with its baselines on held-out items, and decide what ships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.intervals import Resamples, gain, score, scores
from headstart.core.report import BaselineResult, Report
from headstart.data.data_section import describe_data
from headstart.evaluation import figures
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.baseline_runner import BaselineRunner
from headstart.evaluation.estimates import estimate
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.experiment import BaselineEvaluand, HeldOutPredictions, Transfer, predict_held_out
from headstart.evaluation.learning_curve import learning_curve
from headstart.evaluation.prediction_set import prediction_set
from headstart.evaluation.verdict import Judgement, judge
from headstart.heads.heads_section import describe_heads
from headstart.heads.ridge import moments_of
from headstart.heads.transferred import Transferred

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.model import Predictor
    from headstart.core.report import Score
    from headstart.data.near_duplicates import NearDuplicates
    from headstart.evaluation.baseline import Baseline, Cost
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.tuned_network import Tuned
    from headstart.heads import Adapted
    from headstart.sources import AnySource


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The report, and the predictor that ships.

    `network` is the model's, whether it ships or not. `moments` are those of its features and targets, as arrays by name, for the
    bundle; None if a baseline ships.
    """

    report: Report
    predictor: Predictor
    network: AnySource
    moments: dict[str, FloatArray] | None


def prove(
    experiment: Experiment,
    adapted: Adapted,
    duplicates: NearDuplicates,
    *,
    baselines: Cost = "full",
    tuned: Tuned | None = None,
) -> Proof:
    """Measure the model and its baselines on held-out items and decide what ships.

    Parameters
    ----------
    adapted : the head fitted on `experiment.plan.final`
    baselines : 'none', 'simple' or 'full'; without baselines nothing is proven, and the report says so
        Those that no longer fit in the budget of the experiment's context are skipped, with a notice
    tuned : the result of tuning; the network that it kept, if any, is evaluated and shipped

    Raises
    ------
    OptionError
        Unknown choice of baselines.
    """
    dataset, plan = experiment.dataset, experiment.plan
    chosen_baselines = baselines_for([field.modality for field in dataset.fields], experiment.source, baselines)
    test = plan.test
    targets, resamples = dataset.targets[test], Resamples.draw(experiment.groups[test], seed=experiment.seed)
    metric = dataset.task_spec.headline(dataset.targets[plan.final])
    _check_defined(metric, targets, dataset)
    model = _model(experiment, adapted, tuned)
    with BaselineRunner(chosen_baselines, experiment) as runner:
        ours = _predict_held_out(experiment, adapted, tuned, model)
        curve = learning_curve(
            experiment, metric, head=adapted.leader, whole=None if adapted.parts else adapted.leading_head
        )
        estimates = _estimates(experiment, adapted, metric, tuned)
        predictions, skipped = runner.finish()
    results = tuple(_compare(metric, targets, ours, theirs, resamples) for theirs in predictions)
    judgement = judge(results)
    predictor = _predictor(experiment, model, judgement, chosen_baselines, predictions)
    shipped = next((one for one in predictions if one.name == judgement.deploy), ours)
    report = Report(
        (
            describe_data(dataset, duplicates),
            describe_heads(adapted, tuned_by=None if tuned is None or tuned.head is None else tuned.head.names[0]),
            *([] if tuned is None else tuned.sections(experiment, metric)),
            EvaluationSection(
                verdict=judgement.verdict,
                sentence=judgement.sentence,
                protocol=plan.sentence,
                n_train=len(plan.final),
                n_test=len(test),
                metric=score(metric, targets, ours.outputs, resamples),
                metrics=scores(dataset.task_spec.metrics, targets, ours.outputs, resamples),
                baselines=results,
                gain=judgement.gain,
                estimates=estimates,
                curve=curve.points,
                forecast=curve.forecast,
                prediction_set=prediction_set(shipped.outputs, targets, dataset.task_spec),
                figures=figures.draw(dataset, plan, ours.outputs, adapted.held_out, seed=experiment.seed),
                notices=(*_leaks(experiment), *skipped),
                deployed=predictor.name,
                seed=experiment.seed,
            ),
        )
    )
    return Proof(
        report=report,
        predictor=predictor,
        network=model.network,
        moments=_moments(experiment, adapted, tuned) if judgement.deploy is None else None,
    )


def measure(dataset: Dataset, outputs: FloatArray, groups: IntArray, *, seed: int) -> tuple[Score, ...]:
    """All metrics of the task for outputs (n, k) on labeled data, the headline first."""
    first = dataset.task_spec.headline(dataset.targets)
    others = [metric for metric in dataset.task_spec.metrics if metric.name != first.name]
    return scores((first, *others), dataset.targets, outputs, groups, seed=seed)


def _check_defined(metric: Metric, targets: FloatArray, dataset: Dataset) -> None:
    """Refuse held-out items on which the headline metric is undefined, before anything is fitted."""
    if not np.isfinite(metric.of(targets, np.zeros_like(targets))):
        raise DataError(
            f"{metric.name} is undefined on the {len(targets)} held-out items of '{dataset.name}': their target does "
            "not vary. Hold out items of every class, or use no test part and no --time."
        )


def _compare(
    metric: Metric, targets: FloatArray, ours: HeldOutPredictions, theirs: HeldOutPredictions, resamples: Resamples
) -> BaselineResult:
    return BaselineResult(
        name=theirs.name,
        title=theirs.title,
        score=score(metric, targets, theirs.outputs, resamples),
        gain=gain(metric, targets, ours.outputs, theirs.outputs, resamples),
        seconds=round(theirs.seconds, 3),
        note=getattr(theirs.fitted, "note", ""),
    )


def _model(experiment: Experiment, adapted: Adapted, tuned: Tuned | None) -> Transferred:
    """The model as it would ship: the tuned network if it was kept, else the frozen one with the closed-form head."""
    if tuned is not None and tuned.source is not None and tuned.head is not None:
        return Transferred(name=tuned.source.name, network=tuned.source, head=tuned.head)
    return Transferred(
        name=f"{experiment.source.name} + {adapted.head_name}", network=experiment.source, head=adapted.head
    )


def _predict_held_out(
    experiment: Experiment, adapted: Adapted, tuned: Tuned | None, model: Transferred
) -> HeldOutPredictions:
    """The model's predictions for the held-out items, by fits without them."""
    if tuned is None or tuned.outputs is None:
        return predict_held_out(Transfer(model.name, adapted), experiment)
    return HeldOutPredictions(
        name=model.name, title=model.name, outputs=tuned.outputs, seconds=tuned.seconds, fitted=model
    )


def _estimates(experiment: Experiment, adapted: Adapted, metric: Metric, tuned: Tuned | None) -> dict[str, Score]:
    """Estimates from the training part alone; for a tuned network only those that need no further tuning."""
    if tuned is None or tuned.outputs is None or tuned.held_out is None:
        return estimate(experiment, adapted, metric, experiment.plan.final)
    targets, test = experiment.dataset.targets, experiment.plan.test
    if experiment.plan.kind == "cross-validation":
        groups = experiment.groups[test]
        return {"more of the same": score(metric, targets[test], tuned.outputs, groups, seed=experiment.seed)}
    return {
        "new conditions": score(metric, targets[tuned.index], tuned.held_out, tuned.fold_groups, seed=experiment.seed)
    }


def _predictor(
    experiment: Experiment,
    model: Transferred,
    judgement: Judgement,
    chosen_baselines: tuple[Baseline, ...],
    predictions: list[HeldOutPredictions],
) -> Predictor:
    """The model if transfer helps or nothing was proven, else the best baseline, fitted on all items that may be trained on."""
    if judgement.deploy is None:
        return model
    if experiment.plan.kind == "given":
        return next(p.fitted for p in predictions if p.name == judgement.deploy)
    baseline = next(r for r in chosen_baselines if r.name == judgement.deploy)
    return BaselineEvaluand(baseline).fit(experiment, experiment.plan.final)


def _leaks(experiment: Experiment) -> list[dict[str, Any]]:
    """A notice on test items of the user's split that have a near-duplicate among the training items."""
    train, test = experiment.plan.folds[0]
    leaked = test[np.isin(experiment.groups[test], experiment.groups[train])]
    if experiment.plan.kind != "given" or not len(leaked):
        return []
    message = (
        f"{len(leaked)} of the {len(test)} items of your test part have a near-duplicate among those trained on; "
        "the score includes them, so it is slightly optimistic."
    )
    return [{"kind": "leak", "message": message, "where": tuple(str(experiment.dataset.ids[i]) for i in leaked[:20])}]


def _moments(experiment: Experiment, adapted: Adapted, tuned: Tuned | None) -> dict[str, FloatArray]:
    problem, head = experiment.problem(experiment.plan.final), adapted.head
    if tuned is not None and tuned.features is not None and tuned.head is not None:
        problem, head = replace(problem, features=tuned.features), tuned.head
    return moments_of(problem, head.heads[0].transform).arrays()
