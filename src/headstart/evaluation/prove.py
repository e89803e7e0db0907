"""Prove: does transfer help? Mix the models, compare the mix with the baselines on held-out items, and decide what ships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.intervals import Resamples, gain, score, scores
from headstart.core.report import BaselineResult, Report
from headstart.data.data_section import describe_data
from headstart.data.modalities import get_modality
from headstart.evaluation import figures
from headstart.evaluation.ablation import ablate
from headstart.evaluation.column_effects import column_effects
from headstart.evaluation.estimates import estimate
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.learning_curve import learning_curve
from headstart.evaluation.prediction_set import prediction_set
from headstart.evaluation.rare_class_section import RARE, describe_rare_class
from headstart.evaluation.shipping import IN_CONTEXT, Shipping, decide, gain_prior
from headstart.evaluation.verdict import judge
from headstart.heads.heads_section import HeadsSection, describe_heads

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.model import Predictor
    from headstart.core.report import Score, Section
    from headstart.data.groups import NearDuplicates
    from headstart.evaluation.evaluation import Evaluation
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.mixture import Mixture
    from headstart.evaluation.tuned_network import Tuned
    from headstart.sources import FieldSource, InContextSource, Source


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The report, and the predictor that ships.

    `pretrained` is what is pretrained in the model, whether it ships or not. `moments` are those of its features and targets, as
    arrays by name, for the bundle; None if a baseline ships. `outputs` are those of what ships for the held-out items of the plan of
    `experiment`, shape (n_test, k): where tuning had no time for every fold, these are fewer than were planned. `feature_blocks` are the
    features of its pretrained networks, by name, of the items that it learned from.
    """

    report: Report
    experiment: Experiment
    predictor: Predictor
    pretrained: tuple[Source | FieldSource | InContextSource, ...]
    moments: dict[str, FloatArray] | None
    outputs: FloatArray
    feature_blocks: dict[str, FloatArray]


def prove(
    evaluation: Evaluation,
    duplicates: NearDuplicates,
    *,
    tuned: Tuned | None = None,
    shipping: Shipping | None = None,
) -> Proof:
    """Measure the model and its baselines on held-out items and decide what ships.

    Parameters
    ----------
    evaluation : entered, after `run_closed_forms`
    tuned : the result of tuning; the network that did best becomes part of the model
    shipping : how what ships is decided; None for the defaults
    """
    evaluation.finish()
    mixture = evaluation.mixture(None if tuned is None else tuned.model)
    experiment = mixture.experiment
    measured = _measure(mixture)
    judgement = judge(measured.results, is_pretrained=mixture.was_transfer_tried)
    rival = mixture.rival(measured.results)
    is_plain_mean = not mixture.has_transfer and len(mixture.kept) > 1
    decision = decide(
        judgement,
        None if rival is None else rival.gain,
        shipping=shipping or Shipping(),
        prior=gain_prior(
            IN_CONTEXT if mixture.is_in_context else experiment.dataset.modality, len(experiment.plan.final)
        ),
        rival=f"The {mixture.name}" if is_plain_mean else "" if rival is None else (rival.title or rival.name),
        has_transfer=mixture.has_transfer,
        beats_controls=all(one.gain.value > 0 for one in mixture.controls(measured.results)),
    )
    # the baseline in the model's place
    packed = None if rival is None or decision.ships_transfer or is_plain_mean else rival.name
    predictor = mixture.predictor() if packed is None else mixture.baseline(packed)
    shipped = mixture.outputs if packed is None else mixture.outputs_of(packed)
    found = EvaluationSection(
        verdict=judgement.verdict,
        sentence=judgement.sentence + decision.sentence,
        baselines=measured.results,
        gain=judgement.gain,
        expected_gain=decision.expected_gain,
        prediction_set=prediction_set(shipped, measured.targets, experiment.dataset.task_spec),
        deployed=predictor.name,
        ships=decision.ships(judgement),
        **_described(evaluation, mixture, measured, shipped),
        **_learning_curve(evaluation, mixture, measured, packed),
    )
    report = Report(
        (
            describe_data(experiment.dataset, duplicates),
            _heads(evaluation, mixture),
            *([] if tuned is None else tuned.sections(experiment, measured.metric, mixture.tuned_by)),
            ablate(mixture, measured.metric, measured.targets, measured.resamples),
            found,
            *_of_tables(experiment, predictor, measured.targets, shipped),
        )
    )
    return Proof(
        report=report,
        experiment=experiment,
        predictor=predictor,
        pretrained=mixture.pretrained,
        moments=mixture.moments() if packed is None else None,
        outputs=shipped,
        feature_blocks=mixture.feature_blocks() if packed is None else {},
    )


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """The baselines, and the mean of the plain models alone, beside the mean of all, on the held-out items."""

    metric: Metric
    targets: FloatArray
    resamples: Resamples
    results: tuple[BaselineResult, ...]


def _measure(mixture: Mixture) -> _Measured:
    experiment = mixture.experiment
    dataset, plan = experiment.dataset, experiment.plan
    targets = dataset.targets[plan.test]
    resamples = Resamples.draw(experiment.groups[plan.test], seed=experiment.seed)
    metric = dataset.headline(dataset.targets[plan.final])

    def compare(name: str, outputs: FloatArray, seconds: float, **said: str) -> BaselineResult:
        return BaselineResult(
            name=name,
            score=score(metric, targets, outputs, resamples),
            gain=gain(metric, targets, mixture.outputs, outputs, resamples),
            seconds=round(seconds, 3),
            **said,
        )

    results = [
        compare(one.name, one.outputs, one.seconds, title=one.title, note=getattr(one.fitted, "note", ""))
        for one in mixture.predictions
    ]
    if plain := mixture.plain:
        seconds = sum(one.seconds for one, _ in plain.kept)
        results.append(compare(plain.name, plain.outputs, seconds, title=f"the {plain.name}"))
    return _Measured(metric=metric, targets=targets, resamples=resamples, results=tuple(results))


def _described(evaluation: Evaluation, mixture: Mixture, measured: _Measured, shipped: FloatArray) -> dict[str, Any]:
    """The fields of the evaluation section that do not decide; `shipped` are the outputs of what ships, shape (n_test, k)."""
    experiment = mixture.experiment
    dataset, plan = experiment.dataset, experiment.plan
    return {
        "protocol": plan.sentence,
        "n_train": len(plan.final),
        "n_test": len(plan.test),
        "metric": score(measured.metric, measured.targets, mixture.outputs, measured.resamples),
        "metrics": scores(dataset.metrics, measured.targets, shipped, measured.resamples),
        "estimates": estimate(mixture, measured.metric),
        "figures": figures.draw(dataset, plan, shipped, _out_of_fold(evaluation), seed=experiment.seed),
        "notices": (*_leaks(experiment), *evaluation.skipped),
        "seed": experiment.seed,
        "decision": "" if dataset.decision is None else dataset.decision.sentence(dataset.task_spec, dataset.labels),
    }


def _of_tables(
    experiment: Experiment, predictor: Predictor, targets: FloatArray, shipped: FloatArray
) -> tuple[Section, ...]:
    """What is asked of tables and of rare classes; `shipped` are the outputs of what ships for the held-out items."""
    is_table = any(get_modality(field.modality).is_tabular for field in experiment.dataset.fields)
    found = (
        describe_rare_class(targets, shipped, experiment.dataset.labels, at_most=0.5 if is_table else RARE)
        if experiment.dataset.task_spec.is_single_label
        else None,
        column_effects(experiment.dataset, experiment.plan.test, predictor, seed=experiment.seed),
    )
    return tuple(one for one in found if one is not None)


def _heads(evaluation: Evaluation, mixture: Mixture) -> HeadsSection:
    if not evaluation.frozen:
        return HeadsSection(head=mixture.name)
    is_named = len(mixture.kept) > 1 or mixture.is_in_context
    return describe_heads(evaluation.frozen[0].final, mix=mixture.name if is_named else None)


def _learning_curve(
    evaluation: Evaluation, mixture: Mixture, measured: _Measured, packed: str | None
) -> dict[str, Any]:
    """The curve of the leading head alone, which is fitted quickly enough, many times; a forecast only where that head ships.

    Nothing where there is no such head.

    Parameters
    ----------
    packed : the baseline in the model's place; None where the model ships
    """
    if not evaluation.frozen:
        return {}
    leading = evaluation.frozen[0]
    adapted = leading.final
    of = f"{adapted.leader.name} on frozen {leading.experiment.source.name}"
    curve = learning_curve(
        leading.experiment,
        measured.metric,
        head=adapted.leader,
        whole=None if adapted.parts else adapted.leading_head,
        of=of,
        reached=score(measured.metric, measured.targets, mixture.outputs, measured.resamples).value,
    )
    ships = packed is None and any(one.model is leading for one, _ in mixture.kept)
    return {"curve": curve.points, "curve_of": of, "forecast": curve.forecast if ships else ""}


def _out_of_fold(evaluation: Evaluation) -> FloatArray | None:
    """What the leading head says of the items that may be trained on, each by a fit without it; None where there is no such head."""
    return evaluation.frozen[0].final.held_out if evaluation.frozen else None


def measure(dataset: Dataset, outputs: FloatArray, groups: IntArray, *, seed: int) -> tuple[Score, ...]:
    """All metrics of the task for outputs (n, k) on labeled data, the headline first."""
    first = dataset.headline(dataset.targets)
    others = [metric for metric in dataset.metrics if metric.name != first.name]
    return scores((first, *others), dataset.targets, outputs, groups, seed=seed)


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
