"""Choose the source: the one that was named, or the best of a ranking within the limits; several where their blend pays, and one a field."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import OptionError
from headstart.core.words import listed_words
from headstart.evaluation.models import FrozenModel
from headstart.ranking import (
    Limits,
    as_source_reads,
    candidates_by_field,
    encoder_at_hand,
    join_rankings,
    rank,
    semantic_columns,
    source_cards,
    split_assignment,
)
from headstart.sources import FieldSource, JointSource, Source, find, open_source
from headstart.sources.joint import NO_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset
    from headstart.engines.context import RunContext
    from headstart.evaluation import Experiment
    from headstart.heads import Adapted
    from headstart.pipeline.presets import Preset
    from headstart.ranking import Ranked, Ranking
    from headstart.sources import AnySource

_MUCH_COSTLIER = 3.0  # times the operations of the cheapest deep source


def names_of(source: str | Sequence[str] | None) -> list[str] | None:
    """Names of candidates, given as a list or as words with commas between; None for all that read the data.

    'none' alone is no source.

    Of items of several fields a name may be assigned to one: `photo=efficientnet-lite0`.

    Raises
    ------
    OptionError
        One is not known, or there is none.

    >>> names_of("wordllama-256, all-minilm-l6-v2")
    ['wordllama-256', 'all-minilm-l6-v2']
    """
    if source is None:
        return None
    names = [*listed_words(source)]
    if not names:
        raise OptionError("source must name at least one, got none. Name one, or leave it out.")
    for name in names if names != [NO_SOURCE] else ():
        find(split_assignment(name)[1])
    return names


def choose_sources(
    dataset: Dataset, names: Sequence[str] | None, limits: Limits, *, preset: Preset, **settings: Any
) -> tuple[AnySource, Ranking | None]:
    """Choose the source of the one field, or of each field its best one, all of which are joined.

    Fields share what time and space there is in equal parts; those that no source reads have none. Where neither sources nor limits were
    named, categories whose levels are words have the encoder at hand (`ranking.word_levels`).

    Raises
    ------
    OptionError
        No source is within the limits, or one that was named reads none of the fields.
    """
    named = {} if names == [NO_SOURCE] else candidates_by_field(dataset, names)
    if names is None and limits == Limits():
        named |= _read_by_name(dataset, settings["context"])
    if not named:
        return JointSource(()), None
    if len(dataset.fields) == 1:
        (candidates,) = named.values()
        return choose_source(dataset, candidates, limits, preset=preset, **settings)
    parts, rankings = [], []
    for field, candidates in named.items():
        source, ranking = choose_source(
            as_source_reads(dataset, field),
            candidates,
            limits.shared_by(len(named)),
            preset=replace(preset, max_sources=1),
            **settings,
        )
        assert isinstance(source, Source)
        parts.append(FieldSource(source, field))
        rankings += [replace(ranking, field=field)] if ranking else []
    return JointSource(tuple(parts)), join_rankings(rankings)


def _read_by_name(dataset: Dataset, context: RunContext) -> dict[str, list[str] | None]:
    """The encoder at hand for each semantic column, which is said."""
    encoder, columns = encoder_at_hand(), semantic_columns(dataset)
    if encoder is None or not columns:
        return {}
    read = " and ".join(f"'{name}'" for name in columns)
    context.notice(
        "semantic columns",
        f"{encoder} reads the words in the categories of {read} too; it ships only if that pays. Leave it out with --source none.",
    )
    return {name: [encoder] for name in columns}


def choose_source(
    dataset: Dataset,
    names: Sequence[str] | None,
    limits: Limits,
    *,
    preset: Preset,
    context: RunContext,
) -> tuple[AnySource, Ranking | None]:
    """Open the one source that was named, or rank the candidates and open the best, joined by the next ones.

    Raises
    ------
    OptionError
        No source is within the limits, or one that was named reads other items.
    """
    if names is None and limits == Limits():
        limits = Limits(max_size_mib=preset.max_size_mib)
    if names is not None and len(names) == 1 and limits == Limits():
        (card,) = source_cards(dataset, names)
        return open_source(card, stream=context.reporter), None
    ranking = rank(dataset, sources=names, limits=limits, halving=preset.halving, context=context)
    chosen = tuple(
        open_source(ranked.name, stream=context.reporter) for ranked in _together(ranking, limits, preset.max_sources)
    )
    return chosen[0] if len(chosen) == 1 else JointSource(chosen), ranking


def frozen_models(experiment: Experiment) -> tuple[Experiment, tuple[FrozenModel, ...]]:
    """Fit heads on each source alone, the best first, or on the sources of several fields side by side.

    Fields that make the heads worse are left out of the experiment that is given back. Without a source there are none.
    """
    if not experiment.source.parts:
        return experiment, ()
    if len(experiment.dataset.fields) > 1:
        experiment, adapted = _choose_fields(experiment, experiment.adapt(experiment.plan.final))
        return experiment, (FrozenModel(experiment, adapted),)
    names = list(experiment.source.parts)
    alone = [experiment] if len(names) == 1 else [experiment.only({name}) for name in names]
    models = [FrozenModel(one, one.adapt(one.plan.final)) for one in alone]
    task, targets = experiment.dataset.task_spec, experiment.dataset.targets[experiment.plan.final]
    models.sort(key=lambda model: float(task.losses(model.final.held_out, targets).mean()))
    return experiment, tuple(models)


def _choose_fields(experiment: Experiment, adapted: Adapted) -> tuple[Experiment, Adapted]:
    """Keep to the fields that the head reads, and say which it does not: `adapt` took them out only for a better head."""
    left_out = [block for block in experiment.source.blocks if adapted.parts and block.name not in adapted.parts]
    if not left_out:
        return experiment, adapted
    fields = " and ".join(f"'{block.field}'" for block in left_out)
    kept = " and ".join(f"'{block.field}'" for block in experiment.source.blocks if block.name in adapted.parts)
    message = f"{fields} is not read: on held-out groups {kept} alone is better than all fields together by more than one standard error."
    experiment = experiment.only(adapted.parts)
    return _noticed(experiment, message), experiment.adapt(experiment.plan.final)


def _together(ranking: Ranking, limits: Limits, max_sources: int) -> list[Ranked]:
    """The best source and the next ones, as long as all together keep to the limits.

    Of several sources the first is a deep one that costs not much more than the cheapest, if there is one: tuning it is worth more
    than what a costlier one knows frozen (docs/log.md). The second is of the other kind, static, if there is one: these differ most.
    """
    scored = [ranked for ranked in ranking.sources if ranked.score is not None] or [ranking.best]
    deep = [ranked for ranked in scored if not find(ranked.name).is_static]
    best, *others = scored
    if max_sources > 1 and deep:
        least = min(find(ranked.name).gmacs for ranked in deep)
        best = next(ranked for ranked in deep if find(ranked.name).gmacs <= _MUCH_COSTLIER * least)
        others = [ranked for ranked in scored if ranked is not best]
    others.sort(key=lambda ranked: find(ranked.name).is_static == find(best.name).is_static)  # stable within a kind
    chosen = [best]
    for ranked in others:
        if len(chosen) < max_sources and _within(limits, [*chosen, ranked]):
            chosen.append(ranked)
    return chosen


def _within(limits: Limits, together: Sequence[Ranked]) -> bool:
    latency_ms = sum(ranked.latency_ms or 0.0 for ranked in together)
    size_mib = sum(ranked.size_mib for ranked in together)
    return latency_ms <= (limits.max_latency_ms or math.inf) and size_mib <= (limits.max_size_mib or math.inf)


def _noticed(experiment: Experiment, message: str) -> Experiment:
    notice = Notice(kind="blend", message=message)
    return replace(experiment, dataset=replace(experiment.dataset, notices=(*experiment.dataset.notices, notice)))
