"""Prove: did transfer help? The model against its rivals on held-out items, and what is shipped in the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.adaptation.heads_section import describe_heads
from headstart.adaptation.ridge import moments_of
from headstart.adaptation.transferred import Transferred
from headstart.core.errors import DataError
from headstart.core.intervals import Resamples, gain, score, scores
from headstart.core.report import Report, RivalResult
from headstart.data.data_section import describe_data
from headstart.proof import pictures
from headstart.proof.contest import Performance, RivalContestant, Transfer, perform
from headstart.proof.estimates import estimate
from headstart.proof.evaluation_section import EvaluationSection
from headstart.proof.learning_curve import learning_curve
from headstart.proof.prediction_set import prediction_set
from headstart.proof.race import Race
from headstart.proof.rival import rivals_for
from headstart.proof.verdict import Judgement, judge

if TYPE_CHECKING:
    from headstart.adaptation import Adapted
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.model import Predictor
    from headstart.core.report import Score
    from headstart.data.near_duplicates import NearDuplicates
    from headstart.engines.clock import Clock
    from headstart.proof.contest import Arena
    from headstart.proof.rival import Cost, Rival
    from headstart.proof.tuned import Tuned
    from headstart.sources import AnySource


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found, and what is shipped.

    `network` is that of the model, shipped or not. `moments` are those of its features and targets, as arrays by name, for the
    bundle; None where a rival is shipped.
    """

    report: Report
    predictor: Predictor
    network: AnySource
    moments: dict[str, FloatArray] | None


def prove(
    arena: Arena,
    adapted: Adapted,
    duplicates: NearDuplicates,
    *,
    rivals: Cost = "full",
    clock: Clock,
    tuned: Tuned | None = None,
) -> Proof:
    """Measure the model and its rivals on held-out items and decide what is shipped.

    Parameters
    ----------
    adapted : the head fitted on `arena.plan.final`
    rivals : 'none', 'simple' or 'full'; without rivals nothing is proven, and the report says so
    clock : rivals that no longer fit in its budget are left out, and named
    tuned : what a climb above that head gave; the network that it kept, if any, is what is proven and shipped

    Raises
    ------
    OptionError
        No such choice of rivals.
    """
    dataset, plan = arena.dataset, arena.plan
    competitors = rivals_for(dataset.modality, arena.backbone, rivals)
    held_out = plan.held_out
    targets, resamples = dataset.targets[held_out], Resamples.draw(arena.groups[held_out], seed=arena.seed)
    metric = dataset.task_spec.headline(dataset.targets[plan.final])
    _check_defined(metric, targets, dataset)
    model = _model(arena, adapted, tuned)
    with Race(competitors, arena, clock) as race:
        ours = _perform(arena, adapted, tuned, model)
        curve = learning_curve(
            arena, metric, strategy=adapted.leader, whole=None if adapted.parts else adapted.leading_head
        )
        estimates = _estimates(arena, adapted, metric, tuned)
        performances, skipped = race.finish()
    results = tuple(_compare(metric, targets, ours, theirs, resamples) for theirs in performances)
    judgement = judge(results)
    predictor = _predictor(arena, model, judgement, competitors, performances)
    shipped = next((one for one in performances if one.name == judgement.deploy), ours)
    report = Report(
        (
            describe_data(dataset, duplicates),
            describe_heads(adapted, tuned_by=None if tuned is None or tuned.head is None else tuned.head.names[0]),
            *([] if tuned is None else tuned.sections(arena, metric)),
            EvaluationSection(
                verdict=judgement.verdict,
                sentence=judgement.sentence,
                protocol=plan.sentence,
                n_train=len(plan.final),
                n_test=len(held_out),
                metric=score(metric, targets, ours.outputs, resamples),
                metrics=scores(dataset.task_spec.metrics, targets, ours.outputs, resamples),
                rivals=results,
                gain=judgement.gain,
                estimates=estimates,
                curve=curve.points,
                forecast=curve.forecast,
                prediction_set=prediction_set(shipped.outputs, targets, dataset.task_spec),
                pictures=pictures.draw(dataset, plan, ours.outputs, adapted.held_out, seed=arena.seed),
                notices=(*_leaks(arena), *skipped),
                deployed=predictor.name,
                seed=arena.seed,
            ),
        )
    )
    return Proof(
        report=report,
        predictor=predictor,
        network=model.network,
        moments=_moments(arena, adapted, tuned) if judgement.deploy is None else None,
    )


def measure(dataset: Dataset, outputs: FloatArray, groups: IntArray, *, seed: int) -> tuple[Score, ...]:
    """Every metric that suits the task, for outputs (n, k) on labelled data; the headline first."""
    first = dataset.task_spec.headline(dataset.targets)
    others = [metric for metric in dataset.task_spec.metrics if metric.name != first.name]
    return scores((first, *others), dataset.targets, outputs, groups, seed=seed)


def _check_defined(metric: Metric, targets: FloatArray, dataset: Dataset) -> None:
    """Refuse held-out items on which the headline metric has no value, before anything is fitted."""
    if not np.isfinite(metric.of(targets, np.zeros_like(targets))):
        raise DataError(
            f"{metric.name} cannot be measured on the {len(targets)} held-out items of '{dataset.name}': their target does "
            "not vary. Hold out items of every kind, or leave the test part or --time out."
        )


def _compare(
    metric: Metric, targets: FloatArray, ours: Performance, theirs: Performance, resamples: Resamples
) -> RivalResult:
    return RivalResult(
        name=theirs.name,
        title=theirs.title,
        score=score(metric, targets, theirs.outputs, resamples),
        gain=gain(metric, targets, ours.outputs, theirs.outputs, resamples),
        seconds=round(theirs.seconds, 3),
        note=getattr(theirs.fitted, "note", ""),
    )


def _model(arena: Arena, adapted: Adapted, tuned: Tuned | None) -> Transferred:
    """The model as it would be shipped: the tuned network, if it was kept, else the frozen one with the closed-form head."""
    if tuned is not None and tuned.source is not None and tuned.head is not None:
        return Transferred(name=tuned.source.name, network=tuned.source, head=tuned.head)
    return Transferred(name=f"{arena.backbone.name} + {adapted.strategy}", network=arena.backbone, head=adapted.head)


def _perform(arena: Arena, adapted: Adapted, tuned: Tuned | None, model: Transferred) -> Performance:
    """What the model says of the held-out items, fitted without them."""
    if tuned is None or tuned.outputs is None:
        return perform(Transfer(model.name, adapted), arena)
    return Performance(name=model.name, title=model.name, outputs=tuned.outputs, seconds=tuned.seconds, fitted=model)


def _estimates(arena: Arena, adapted: Adapted, metric: Metric, tuned: Tuned | None) -> dict[str, Score]:
    """From the training part alone; of a tuned network only by those that are there: all else would want it tuned anew."""
    if tuned is None or tuned.outputs is None or tuned.held_out is None:
        return estimate(arena, adapted, metric, arena.plan.final)
    targets, held_out = arena.dataset.targets, arena.plan.held_out
    if arena.plan.kind == "cross-validation":
        groups = arena.groups[held_out]
        return {"more of the same": score(metric, targets[held_out], tuned.outputs, groups, seed=arena.seed)}
    return {"new conditions": score(metric, targets[tuned.index], tuned.held_out, tuned.apart, seed=arena.seed)}


def _predictor(
    arena: Arena,
    model: Transferred,
    judgement: Judgement,
    competitors: tuple[Rival, ...],
    performances: list[Performance],
) -> Predictor:
    """The model if transfer helps or nothing was proven, else the best rival, fitted on all that may be learnt from."""
    if judgement.deploy is None:
        return model
    if arena.plan.kind == "given":
        return next(p.fitted for p in performances if p.name == judgement.deploy)
    rival = next(r for r in competitors if r.name == judgement.deploy)
    return RivalContestant(rival).fit(arena, arena.plan.final)


def _leaks(arena: Arena) -> list[dict[str, Any]]:
    """Held-out items of a given or a later part that have a near-duplicate among those learnt from."""
    learnt, held_out = arena.plan.folds[0]
    leaked = held_out[np.isin(arena.groups[held_out], arena.groups[learnt])]
    if arena.plan.kind != "given" or not len(leaked):
        return []
    message = (
        f"{len(leaked)} of the {len(held_out)} items of your test part have a near-duplicate among those learnt from; "
        "the score counts them, so it is a little too kind."
    )
    return [{"kind": "leak", "message": message, "where": tuple(str(arena.dataset.ids[i]) for i in leaked[:20])}]


def _moments(arena: Arena, adapted: Adapted, tuned: Tuned | None) -> dict[str, FloatArray]:
    problem, head = arena.problem(arena.plan.final), adapted.head
    if tuned is not None and tuned.features is not None and tuned.head is not None:
        problem, head = replace(problem, features=tuned.features), tuned.head
    return moments_of(problem, head.heads[0].transform).arrays()
