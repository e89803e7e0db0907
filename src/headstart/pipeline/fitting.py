"""Fit: load, rank, embed, adapt, prove, package, in one screen."""

from __future__ import annotations

import inspect
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.decision import BALANCED, make_decision_rule
from headstart.core.errors import DataError, OptionError, unknown_name
from headstart.data import load
from headstart.data.holdout import plan_splits
from headstart.data.near_duplicates import find_near_duplicates
from headstart.data.unreadable_items import without_unreadable
from headstart.engines.context import RunContext
from headstart.engines.heap import share_one_heap
from headstart.engines.timing_section import TimingSection
from headstart.evaluation import Experiment, prove
from headstart.evaluation.baseline import COSTS
from headstart.evaluation.evaluation import Evaluation
from headstart.evaluation.shipping import WORTH, Shipping
from headstart.features import embed
from headstart.heads.select import head_names
from headstart.packaging import BundleSchema, check_target, load_bundle, write
from headstart.packaging.package_section import PackageSection
from headstart.pipeline.choosing import choose_sources, frozen_models, names_of
from headstart.pipeline.fitted import Fitted
from headstart.pipeline.in_context import offered_in_context, split_in_context
from headstart.pipeline.own_source_folders import split_own_sources
from headstart.pipeline.own_source_report import describe_own_sources
from headstart.pipeline.own_sources import match_own_data, take_from
from headstart.pipeline.presets import preset_named
from headstart.pipeline.referring import reference_of
from headstart.pipeline.tuning import NO_TUNING, check_tuning, tune_source, tuning_method_names
from headstart.ranking import Limits, with_domain_shifts
from headstart.reporting import start_drawing
from headstart.storage.files import cache_notice, check_writable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.decision import ClassWeights
    from headstart.engines.reporters import ProgressOutput
    from headstart.evaluation.baseline import Cost
    from headstart.evaluation.models import FrozenModel
    from headstart.evaluation.shipping import Preference
    from headstart.features import Features
    from headstart.pipeline.presets import Preset
    from headstart.sources import AnySource

_COLUMN_OPTIONS = ("input", "target", "task", "group", "time", "split", "images", "keep_case", "missing", "columns",
    "sql", "sheet")  # fmt: skip
_N_CHECKED = 16  # real items on which the packed graph must equal the fitted model


def fit(
    data: Any,
    *,
    out: str | Path | None = None,
    source: str | Sequence[str] | None = None,
    match: str | Sequence[str] | None = None,
    source_data: Any = None,
    head: str = "auto",
    tune: str | None = None,
    preset: str = "balanced",
    baselines: Cost | None = None,
    budget_s: float | None = None,
    max_latency_ms: float | None = None,
    max_size_mib: float | None = None,
    license: str | None = None,
    max_sources: int | None = None,
    prefer: Preference = "accuracy",
    worth: float = WORTH,
    metric: str | None = None,
    threshold: float | Mapping[str, float] | None = None,
    class_weights: ClassWeights | None = None,
    name: str | None = None,
    seed: int = 0,
    max_unreadable: float = 0.01,
    progress: ProgressOutput = sys.stderr,
    context: RunContext | None = None,
    **columns: Any,
) -> Fitted:
    """Turn labelled data into a proven, portable model.

    Parameters
    ----------
    data : whatever `headstart.load` takes
    out : folder of the bundle; None for one that goes when the process ends
    source : name of a pretrained network; several, as a list or with commas between, are ranked and the best is taken;
        None for all that read such items. Of rows of fields each field has its best one, of those that read it or are assigned
        to it: 'name=all-minilm-l6-v2,photo=efficientnet-lite0'. Folders that `headstart.pretrain` wrote are taken from besides
    match : columns of such a folder as 'target=source', or 'target=source*0.01' for another unit; others are matched by name
    source_data : another table with the same target column, as `data` is given: trees are fitted on the rows of both, and only rows of
        `data` are held out; columns are matched as those of a folder
    head : 'auto', or the name of one closed-form head: 'ridge', 'logistic', 'svm', 'prototypes', 'lda'
    tune : how a network is tuned (items of one field only): 'none', the name of one method ('fine-tune', 'lora', 'bitfit',
        'contrastive'), or 'auto' for those that suit, as many as the preset tries and there is time for; None for the preset's.
        What is tuned becomes one of the models whose mean ships
    preset : the time that it may take for 500 items, growing with the root of their number: 'fast' (30 s: 96 items ranked, nothing tuned),
        'balanced' (3 minutes: two sources, one way of tuning), 'best' (15 minutes: three, every way); what is given on its own goes before
    baselines : 'full', 'all' (every library of boosting that is installed, not the first alone), 'simple' (seconds), or 'none', which
        proves nothing; None for the preset's
    budget_s : seconds for everything; None for the preset's. What costs too much is left out and named; simple baselines never are
    max_latency_ms, max_size_mib, license : what a source must keep to, as in `headstart.ranking.Limits`; by default the preset's
    max_sources : how many sources the model may read, each embedding all items; None for the preset's (3 for 'best', else 2)
    prefer : what ships: 'accuracy', the better model as is expected, or 'small', a plain one unless the other is significantly better
    worth : the expected gain below which pretrained parts do not ship, as a fraction of the metric: 0.005 is half a point
    metric : name of the metric that heads the report and decides on the verdict: 'macro-F1', 'balanced accuracy' …, of which more is
        better; None for the task's choice; with balanced class weights for balanced accuracy, or macro-F1 of labels that may occur together
    threshold : the probability from which on the second of two labels is predicted; of labels that may occur together, each of them; as
        {label: threshold} for the label that is named. It is kept in the bundle
    class_weights : what missing an item of each label costs, as {label: weight}, 1 for those left out, or 'balanced' for the inverse of
        the labels' frequencies. Probabilities stay as they are; decisions are made from their products with the weights
    name : what the report and the bundle are called; None for the name of the data
    seed : for folds, random weights and baselines; the same data, seed and steps (a budget may cut some) give the same bytes
    max_unreadable : fraction of the items that may be unreadable
    progress : where to say how far it is: a stream or a reporter; None for silence
    context : how it is run; it goes before `seed`, `progress` and `budget_s`, the preset's too
    columns : `input`, `target`, `task`, `group`, `time`, `split`, `images`, `keep_case`, `missing`, `columns`, `sql`, `sheet`, as for `headstart.load`

    Raises
    ------
    UserError
        Data, options or disk are not as they must be; nothing is written then.
    Stopped
        The run was cancelled by the token of its reporter; nothing is written then.
    """
    for unknown in set(columns) - set(_COLUMN_OPTIONS):
        raise unknown_name("argument of fit", unknown, (*inspect.signature(fit).parameters, *_COLUMN_OPTIONS))
    chosen = preset_named(preset)
    baselines = chosen.baselines if baselines is None else baselines
    tune = ("auto" if chosen.tunes else NO_TUNING) if tune is None else tune
    _check_options(head=head, tune=tune, baselines=baselines)
    shipping = Shipping(prefer=prefer, worth=worth)
    folders, source = split_own_sources(source, match, has_data=source_data is not None)
    in_context, names = split_in_context(names_of(source))
    limits = Limits(max_latency_ms=max_latency_ms, max_size_mib=max_size_mib, license=license)
    is_promised = context is None and budget_s is None
    context = context or RunContext.default(seed=seed, budget_s=budget_s, progress=progress)
    share_one_heap()
    folder = _target(out)
    if said := cache_notice():
        context.notice("cache", said)
    with context.stage("load"):
        dataset = load(data, max_unreadable=max_unreadable, **columns)
        rule = make_decision_rule(
            dataset.task_spec,
            dataset.labels,
            dataset.targets,
            threshold=threshold,
            class_weights=class_weights,
            label_rule=dataset.label_rule,
        )
        usual = dataset.task_spec.balanced_metric if class_weights == BALANCED else ""
        metric = dataset.task_spec.headline_name(metric or usual)
        dataset = replace(dataset, name=name or dataset.name, metric=metric, decision=rule)
        if is_promised:
            context.clock.limit(chosen.seconds_for(len(dataset)))
        matched = match_own_data(dataset, folders, source_data, match, seed=context.seed, columns=columns)
        duplicates = find_near_duplicates(dataset)
        dataset = replace(dataset, groups=duplicates.groups, has_near_duplicate_groups=True)
    dataset = check_tuning(dataset, tune)
    with context.stage("rank"):
        chosen_source, ranking = choose_sources(
            dataset,
            names,
            limits,
            preset=chosen if max_sources is None else replace(chosen, max_sources=max_sources),
            context=context,
        )
    with context.stage("embed"):
        dataset, features = _embed_readable(dataset, chosen_source, max_unreadable, context)
    start_drawing()
    with context.stage("adapt"):
        duplicates = duplicates.among(dataset)
        experiment, frozen = _experiment(
            dataset, features.values, chosen_source, duplicates.groups, head=head, preset=chosen, context=context
        )
        own = take_from(matched, context=context)
        others = offered_in_context(experiment, in_context, limits, is_tried=chosen.tries_context and names is None)
    tuned = None
    with Evaluation(experiment, frozen, others=(*own.models, *others), baselines=baselines) as evaluation:
        with context.stage("prove"):
            evaluation.run_closed_forms()
        if tune != NO_TUNING and len(dataset.fields) == 1:
            with context.stage("tune"):
                tuned = tune_source(evaluation, method=tune, max_methods=chosen.max_methods)
        with context.stage("prove"):
            proof = prove(evaluation, duplicates, tuned=tuned, shipping=shipping)
    with context.stage("package"):
        report = proof.report.with_section(
            *([ranking.with_chosen(experiment.source.parts)] if ranking else []),
            *([describe_own_sources(experiment, own, proof.report)] if matched else []),
            PackageSection.of(proof.predictor.name, [one.describe() for one in proof.pretrained]),
            TimingSection(**context.clock.timing(), n_embedded=features.n_computed),
        )
        write(
            folder,
            predictor=proof.predictor,
            report=report,
            schema=_schema(dataset),
            check_items=[dataset.items[i] for i in experiment.plan.test[:_N_CHECKED]],
            moments=proof.moments,
            reference=reference_of(proof).files(),
        )
    return Fitted(
        model=load_bundle(folder, trust=(), trust_graphs=True),
        report=report,
        bundle=folder,
        seconds=context.clock.seconds(),
    )


def _experiment(
    dataset: Dataset,
    features: FloatArray,
    source: AnySource,
    groups: IntArray,
    *,
    head: str,
    preset: Preset,
    context: RunContext,
) -> tuple[Experiment, tuple[FrozenModel, ...]]:
    """The plan of the proof, and heads on the frozen features."""
    plan = plan_splits(dataset, groups, seed=context.seed)
    if preset.max_held_out is not None:
        plan = plan.holding_out(preset.max_held_out)
    experiment = Experiment(dataset=dataset, features=features, source=source, plan=plan, head=head, context=context)
    experiment, frozen = frozen_models(experiment)
    shifted = with_domain_shifts(experiment.dataset, experiment.source, experiment.features)
    return replace(experiment, dataset=shifted), frozen


def _check_options(*, head: str, tune: str, baselines: str) -> None:
    """Refuse what cannot work before a long embedding, not after it."""
    if head in tuning_method_names():
        raise OptionError(
            f"'{head}' is no head but a way to tune the network. Write --tune {head}, in Python tune='{head}'."
        )
    if head not in head_names():
        raise unknown_name("head", head, head_names())
    if tune in head_names()[1:]:
        raise OptionError(f"'{tune}' tunes no network; it is a head. Write --head {tune}, in Python head='{tune}'.")
    if tune not in ("auto", NO_TUNING, *tuning_method_names()):
        raise unknown_name("tuning method", tune, ("auto", NO_TUNING, *tuning_method_names()))
    if baselines not in COSTS:
        raise unknown_name("choice of baselines", baselines, COSTS)


def _target(out: str | Path | None) -> Path:
    """The folder of the bundle; a place that cannot take one is refused before the work, not after it."""
    folder = Path(tempfile.mkdtemp(prefix="headstart-")) / "model" if out is None else Path(out)
    check_target(folder)
    check_writable(folder)
    return folder


def _embed_readable(
    dataset: Dataset, chosen_source: AnySource, max_unreadable: float, context: RunContext
) -> tuple[Dataset, Features]:
    """Embed, setting aside items that cannot be decoded as long as they are few."""
    errors: dict[int, DataError] = {}
    features = embed(dataset.items, chosen_source, context=context, on_bad=errors.__setitem__)
    kept, good = without_unreadable(dataset, errors, max_unreadable)
    if not errors:
        return dataset, features
    return kept, replace(features, values=features.values[good], keys=features.keys[good])


def _schema(dataset: Dataset) -> BundleSchema:
    return BundleSchema(
        name=dataset.name,
        modality=dataset.modality,
        task=dataset.task,
        labels=dataset.labels,
        columns=dataset.columns,
        fields=dataset.fields,
        label_rule=dataset.label_rule,
        metric=dataset.metric,
        decision=dataset.decision,
    )
