"""Rank: predict which source transfers best to some data, within limits."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import MissingExtraError, OptionError, SourceError
from headstart.data.holdout import plan_splits
from headstart.data.modalities import get_modality
from headstart.data.near_duplicates import with_near_duplicate_groups
from headstart.engines.context import RunContext
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.ranking.candidates import candidates_by_field
from headstart.ranking.halving import Halving
from headstart.ranking.latency import cached_latency_ms, measure_latency_ms
from headstart.ranking.limits import Limits
from headstart.ranking.result import Ranked, Ranking
from headstart.ranking.word_levels import as_source_reads
from headstart.sources import Source, cards, find, open_source
from headstart.sources.listing import size_mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.reporters import ProgressOutput
    from headstart.ranking.halving import SourceResult
    from headstart.sources import Card

_EMBEDDING_SHARE = 0.5  # of the budget; heads and baselines get the rest
_RANKING_SHARE = 0.2


@dataclass
class _Candidate:
    """A source during the ranking; `refused` says why it was excluded before seeing an item."""

    card: Card
    source: Source | None = None
    latency_ms: float | None = None
    seconds: float = 0.0
    refused: str = ""
    result: SourceResult | None = None

    @cached_property
    def session(self) -> Any:
        """Opened once, and only if something is measured or embedded."""
        assert self.source is not None
        return self.source.session()


def rank(
    dataset: Dataset,
    *,
    sources: Sequence[str] | None = None,
    limits: Limits | None = None,
    halving: Halving | None = None,
    budget_s: float | None = None,
    seed: int = 0,
    progress: ProgressOutput = sys.stderr,
    context: RunContext | None = None,
) -> Ranking:
    """Rank pretrained sources for labeled data.

    Items of a test part, or of the latest quarter if there is a time column, are not used. Computed features stay in the cache
    for `fit`.

    Parameters
    ----------
    dataset : what `headstart.load` gives; for rows, each field has its own ranking
    sources : names of the sources to rank, or `field=name` if items have several fields; None for all of the data's modality
    limits : that a source must meet; fields share time and space in equal parts
    halving : how many items are used; None for the default
    budget_s : seconds; sources that cannot embed all items in half of it are excluded
    seed : of the sample
    progress : where to write progress: a stream or a reporter; None for silence
    context : how it runs; it overrides `budget_s`, `seed` and `progress`

    Raises
    ------
    OptionError
        A name is unknown, or its source reads other items; or no source meets the limits (the message names the nearest).
    SourceError
        None of the sources can be fetched.

    Examples
    --------
    >>> import headstart
    >>> tickets = headstart.load("tickets.csv", target="product")  # doctest: +SKIP
    >>> headstart.rank(tickets).best.name  # doctest: +SKIP
    'all-minilm-l6-v2'
    """
    limits, halving = limits or Limits(), halving or Halving()
    context = context or RunContext.default(seed=seed, budget_s=budget_s, progress=progress)
    dataset = with_near_duplicate_groups(dataset)
    by_field = candidates_by_field(dataset, sources)
    if not by_field:
        held = " and ".join(sorted({get_modality(field.modality).plural for field in dataset.fields}))
        raise OptionError(
            f"no source gives features of {held}, so there is nothing to rank in '{dataset.name}'. `headstart fit` compares models of such columns."
        )
    if len(dataset.fields) > 1:
        shared = limits.shared_by(len(by_field))
        rankings = [
            replace(
                rank(as_source_reads(dataset, field), sources=named, limits=shared, halving=halving, context=context),
                field=field,
            )
            for field, named in by_field.items()
        ]
        return replace(rankings[0], others=tuple(rankings[1:]))
    (sources,) = by_field.values()
    training = _training_items(dataset, context.seed)
    candidates = {card.name: _Candidate(card) for card in source_cards(dataset, sources)}
    for candidate in candidates.values():
        candidate.refused = limits.refusal(candidate.card)
    _check_any(candidates, limits)
    _open(candidates, training, limits, context, named=sources is not None)
    _keep_to_budget(candidates, len(dataset), context.clock.left_s)
    alive = {name: candidate for name, candidate in candidates.items() if not candidate.refused}
    started, left_s = time.perf_counter(), context.clock.left_s

    def features_of(name: str, index: IntArray) -> FloatArray:
        candidate, started_at = alive[name], time.perf_counter()
        assert candidate.source is not None
        items = [training.items[i] for i in index]
        values = embed(
            items,
            candidate.source,
            context=context,
            on_bad=lambda _position, _error: None,
            open_session=lambda: candidate.session,
        ).values
        candidate.seconds += time.perf_counter() - started_at
        return values

    metric = dataset.headline(training.targets)
    found = halving.run(
        training,
        {name: candidate.card for name, candidate in alive.items()},
        features_of,
        metric,
        seed=context.seed,
        should_continue=lambda: left_s is None or time.perf_counter() - started < _RANKING_SHARE * left_s,
    )
    for name, result in found.items():
        candidates[name].result = result
    refused = [name for name, candidate in candidates.items() if candidate.refused]
    return Ranking(
        metric=metric.name,
        n_items=len(training),
        sources=tuple(_ranked(candidates[name]) for name in [*found, *refused]),
    )


def source_cards(dataset: Dataset, sources: Sequence[str] | None) -> list[Card]:
    """Cards of the named sources, or of all that read the dataset's items.

    Raises
    ------
    OptionError
        A source is unknown, or reads items of another modality.
    """
    if sources is None:
        return [card for card in cards() if card.modality == dataset.modality and not card.is_in_context]
    named = [find(name) for name in dict.fromkeys(sources)]
    for card in named:
        if card.modality != dataset.modality:
            reads, holds = card.reads, get_modality(dataset.modality).plural
            raise OptionError(
                f"source '{card.name}' reads {reads}, but '{dataset.name}' holds {holds}. "
                "`headstart sources` lists those that fit."
            )
    return named


def _training_items(dataset: Dataset, seed: int) -> Dataset:
    """The items that may be trained on: choosing a source must not use the items that it is evaluated on."""
    groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
    plan = plan_splits(dataset, groups, seed=seed)
    return dataset.take(plan.train) if plan.kind in ("given", "time") else dataset


def _check_any(candidates: dict[str, _Candidate], limits: Limits) -> None:
    if all(candidate.refused for candidate in candidates.values()):
        latency_ms = {n: e.latency_ms for n, e in candidates.items() if e.latency_ms is not None}
        raise limits.nearest_miss([candidate.card for candidate in candidates.values()], latency_ms)


def _open(
    candidates: dict[str, _Candidate], training: Dataset, limits: Limits, context: RunContext, *, named: bool
) -> None:
    """Open and time the sources; an unavailable one is excluded unless it was named."""
    failure: SourceError | MissingExtraError | None = None
    for candidate in candidates.values():
        if candidate.refused:
            continue
        started = time.perf_counter()
        try:
            candidate.source = open_source(candidate.card, stream=context.reporter)
        except (SourceError, MissingExtraError) as error:
            if named:
                raise
            candidate.refused, failure = str(error), error
            continue
        candidate.latency_ms = cached_latency_ms(
            candidate.source, training.items, partial(_measure, candidate, training)
        )
        candidate.refused = limits.slowness(candidate.latency_ms)
        candidate.seconds = time.perf_counter() - started
    if failure is not None and not any(candidate.source for candidate in candidates.values()):
        raise failure
    _check_any(candidates, limits)


def _measure(candidate: _Candidate, training: Dataset) -> float:
    assert candidate.source is not None
    return measure_latency_ms(candidate.source, candidate.session, training.items)


def _keep_to_budget(candidates: dict[str, _Candidate], n_items: int, left_s: float | None) -> None:
    """Exclude sources that cannot embed all items in half of the remaining time, or in all of it if none can."""
    if left_s is None:
        return
    needed_s = {
        name: candidate.latency_ms * n_items / 1000 / n_threads()
        for name, candidate in candidates.items()
        if not candidate.refused and candidate.latency_ms is not None
    }
    quickest = min(needed_s, key=lambda name: needed_s[name])
    if needed_s[quickest] > left_s:
        raise OptionError(
            f"no source can embed {n_items} items in the remaining {max(left_s, 0.0):.1f} s of the budget; the nearest is "
            f"{quickest}, which needs about {needed_s[quickest]:.1f} s. Raise the budget."
        )
    for name, seconds in needed_s.items():
        if seconds > _EMBEDDING_SHARE * left_s and name != quickest:
            candidates[
                name
            ].refused = (
                f"embedding {n_items} items would take about {seconds:.0f} s, more than half of the {left_s:.0f} s left"
            )


def _ranked(candidate: _Candidate) -> Ranked:
    result = candidate.result
    return Ranked(
        name=candidate.card.name,
        score=result.score if result else None,
        predicted=result.predicted if result else None,
        n_items=result.n_items if result else 0,
        seconds=round(candidate.seconds, 3),
        latency_ms=None if candidate.latency_ms is None else round(candidate.latency_ms, 3),
        size_mib=round(size_mib(candidate.card), 1),
        license=candidate.card.license,
        dropped=candidate.refused or (result.dropped if result else ""),
    )
