"""Build a bundle from recent records: the same proof and packing as a fit, with the champion's score at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headstart.data.column_profiles import profile_columns
from headstart.data.data_section import DataSection
from headstart.data.holdout import plan_splits
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.timing_section import TimingSection
from headstart.evaluation import Experiment, prove
from headstart.evaluation.evaluation import Evaluation
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.features import embed
from headstart.packaging import BundleSchema, write
from headstart.packaging.package_section import PackageSection
from headstart.pipeline.choosing import choose_sources, frozen_models
from headstart.pipeline.own_sources import match_own_source, take_from
from headstart.pipeline.presets import preset_named
from headstart.pipeline.referring import reference_of
from headstart.ranking import Limits
from headstart.sources.own_source import OwnSource
from headstart.updating.challenger import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.core.dataset import Dataset
    from headstart.evaluation.baseline import Cost
    from headstart.evaluation.own_source import Way
    from headstart.packaging.model import Bundle
    from headstart.updating.challenger import Occasion

_N_CHECKED = 16  # real items on which the packed graph must equal the fitted model
NO_SOURCES = ("none",)


def build(
    occasion: Occasion,
    out: Path,
    *,
    ways: Sequence[Way] = (),
    sources: Sequence[str] | None = NO_SOURCES,
    baselines: Cost = "none",
    tries_joint: bool = False,
    preset: str = "fast",
) -> None:
    """Fit, prove and write a bundle of recent records.

    Parameters
    ----------
    ways : in which is taken from the champion
    sources : names of pretrained networks; None for all that read such items
    baselines : 'none', 'simple' or 'full'
    tries_joint : whether the joint model of all blocks is tried
    """
    context, champion = occasion.context, occasion.champion
    with context.stage("rank"):
        duplicates = find_near_duplicates(occasion.recent)
        dataset = replace(occasion.recent, groups=duplicates.groups, has_near_duplicate_groups=True)
        chosen = preset_named(preset)
        source, ranking = choose_sources(
            dataset, None if sources is None else list(sources), Limits(), preset=chosen, context=context
        )
    with context.stage("embed"):
        features = embed(dataset.items, source, context=context)
    plan = plan_splits(dataset, duplicates.groups, seed=context.seed)
    if chosen.max_held_out is not None:
        plan = plan.holding_out(chosen.max_held_out)
    experiment = Experiment(
        dataset=dataset, features=features.values, source=source, plan=plan, head="auto", context=context
    )
    with context.stage("adapt"):
        experiment, frozen = frozen_models(experiment)
        own = take_from([match_own_source(dataset, as_source(champion, dataset))] if ways else [], ways=ways)
    evaluation = Evaluation(experiment, frozen, others=own.models, baselines=baselines, tries_joint=tries_joint)
    with context.stage("prove"), evaluation:
        evaluation.run_closed_forms()
        proof = prove(evaluation, duplicates)
    report = proof.report.with_section(
        *([ranking.with_chosen(experiment.source.parts)] if ranking else []),
        PackageSection.of(proof.predictor.name, [one.describe() for one in proof.pretrained]),
        TimingSection(**context.clock.timing(), n_embedded=features.n_computed),
    )
    with context.stage("package"):
        write(
            out,
            predictor=proof.predictor,
            report=report,
            schema=_schema(champion, dataset),
            check_items=[dataset.items[i] for i in experiment.plan.test[:_N_CHECKED]],
            moments=proof.moments,
            reference=reference_of(proof).files(),
        )


def as_source(champion: Bundle, recent: Dataset) -> OwnSource:
    """The champion as a source for records of its own columns."""
    shipped = champion.report[EvaluationSection].shipped
    return OwnSource(
        name=f"champion of {champion.manifest['created']}",
        task=champion.task,
        fields=champion.fields,
        labels=champion.labels,
        graph=champion.graph,
        input=champion.input,
        profiles=profile_columns(recent),
        n_rows=champion.report[DataSection].n_items,
        quality={"name": shipped.name, "value": shipped.value, "low": shipped.low, "high": shipped.high},
    )


def need_all_labels(occasion: Occasion) -> None:
    """Refuse records without one of the champion's labels: a model of them alone would not know it.

    Raises
    ------
    NotApplicable
        A label is missing.
    """
    recent = occasion.recent
    if not recent.task_spec.has_probabilities:
        return
    missing = [label for label, n in zip(recent.labels, recent.targets.sum(axis=0), strict=True) if n < 2]
    if missing:
        raise NotApplicable(
            f"fewer than 2 recent records are '{missing[0]}', which the champion knows; a model of these records alone would not."
        )


def _schema(champion: Bundle, dataset: Dataset) -> BundleSchema:
    return BundleSchema(
        name=champion.name,
        modality=champion.modality,
        task=champion.task,
        labels=champion.labels,
        columns=champion.manifest["columns"],
        fields=champion.fields,
        label_rule=champion.label_rule,
        metric=dataset.metric,
        decision=champion.decision,
    )
