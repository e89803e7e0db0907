"""Rank: which source will transfer best to this data, within these limits, and why."""

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
from headstart.engines.context import RunContext
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.ranking.candidates import candidates_by_field
from headstart.ranking.halving import Halving
from headstart.ranking.latency import cached_latency_ms, measure_latency_ms
from headstart.ranking.limits import Limits
from headstart.ranking.result import Ranked, Ranking
from headstart.sources import Source, cards, find, open_source
from headstart.sources.listing import size_mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.reporters import ProgressOutput
    from headstart.ranking.halving import SourceResult
    from headstart.sources import Card

_EMBEDDING_SHARE = 0.5  # of the budget; heads and baselines have the rest
_RANKING_SHARE = 0.2


@dataclass
class _Entrant:
    """A candidate on its way through the ranking; `refused` says why it saw no item."""

    card: Card
    source: Source | None = None
    latency_ms: float | None = None
    seconds: float = 0.0
    refused: str = ""
    seen: SourceResult | None = None

    @cached_property
    def session(self) -> Any:
        """Opened once, and only where there is something to measure or to embed."""
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
    """Rank pretrained sources for labelled data.

    Items of a test part, or of the latest quarter where there is a time, are not looked at. The features that are computed
    stay in the cache, where fitting finds them.

    Parameters
    ----------
    dataset : what `headstart.load` gives; of rows each field has a ranking of its own
    sources : names of the candidates, or `field=name` where items have several fields; None for all of the data's modality
    limits : what a source must keep to; fields share what time and space there is in equal parts
    halving : how many items are looked at; None for the default
    budget_s : seconds; sources that cannot embed all items in half of it are left out
    seed : for the sample
    progress : where to say how far it is: a stream or a reporter; None for silence
    context : how it is run; it goes before `budget_s`, `seed` and `progress`

    Raises
    ------
    OptionError
        A name is not known, or reads other items; or no source is within the limits: the message names the nearest.
    SourceError
        None of the candidates can be fetched.

    Examples
    --------
    >>> import headstart
    >>> tickets = headstart.load("tickets.csv", target="product")  # doctest: +SKIP
    >>> headstart.rank(tickets).best.name  # doctest: +SKIP
    'all-minilm-l6-v2'
    """
    limits, halving = limits or Limits(), halving or Halving()
    context = context or RunContext.default(seed=seed, budget_s=budget_s, progress=progress)
    candidates = candidates_by_field(dataset, sources)
    if len(candidates) > 1:
        shared = limits.shared_by(len(candidates))
        rankings = [
            replace(
                rank(dataset.only_field(field), sources=named, limits=shared, halving=halving, context=context),
                field=field,
            )
            for field, named in candidates.items()
        ]
        return replace(rankings[0], others=tuple(rankings[1:]))
    (sources,) = candidates.values()
    learnable = _learnable(dataset, context.seed)
    field_of = {card.name: _Entrant(card) for card in source_cards(dataset, sources)}
    for entrant in field_of.values():
        entrant.refused = limits.refusal(entrant.card)
    _check_any(field_of, limits)
    _open(field_of, learnable, limits, context, named=sources is not None)
    _keep_to_budget(field_of, len(dataset), context.clock.left_s)
    alive = {name: entrant for name, entrant in field_of.items() if not entrant.refused}
    started, left_s = time.perf_counter(), context.clock.left_s

    def look(name: str, index: IntArray) -> FloatArray:
        entrant, began = alive[name], time.perf_counter()
        assert entrant.source is not None
        items = [learnable.items[i] for i in index]
        values = embed(
            items,
            entrant.source,
            context=context,
            on_bad=lambda _position, _error: None,
            open_session=lambda: entrant.session,
        ).values
        entrant.seconds += time.perf_counter() - began
        return values

    metric = dataset.task_spec.headline(learnable.targets)
    found = halving.run(
        learnable,
        {name: entrant.card for name, entrant in alive.items()},
        look,
        metric,
        seed=context.seed,
        should_continue=lambda: left_s is None or time.perf_counter() - started < _RANKING_SHARE * left_s,
    )
    for name, seen in found.items():
        field_of[name].seen = seen
    refused = [name for name, entrant in field_of.items() if entrant.refused]
    return Ranking(
        metric=metric.name,
        n_items=len(learnable),
        sources=tuple(_ranked(field_of[name]) for name in [*found, *refused]),
    )


def source_cards(dataset: Dataset, sources: Sequence[str] | None) -> list[Card]:
    """Cards of the named sources, or of all that read the dataset's items.

    Raises
    ------
    OptionError
        A source is not known, or reads items of another kind.
    """
    if sources is None:
        return [card for card in cards() if card.modality == dataset.modality]
    named = [find(name) for name in dict.fromkeys(sources)]
    for card in named:
        if card.modality != dataset.modality:
            reads, holds = get_modality(card.modality).plural, get_modality(dataset.modality).plural
            raise OptionError(
                f"source '{card.name}' reads {reads}, but '{dataset.name}' holds {holds}. "
                "`headstart sources` lists those that suit."
            )
    return named


def _learnable(dataset: Dataset, seed: int) -> Dataset:
    """What may be trained on: the choice of a source must not have seen what will prove it."""
    groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
    plan = plan_splits(dataset, groups, seed=seed)
    return dataset.take(plan.train) if plan.kind in ("given", "time") else dataset


def _check_any(entrants: dict[str, _Entrant], limits: Limits) -> None:
    if all(entrant.refused for entrant in entrants.values()):
        latency_ms = {n: e.latency_ms for n, e in entrants.items() if e.latency_ms is not None}
        raise limits.nearest_miss([entrant.card for entrant in entrants.values()], latency_ms)


def _open(
    entrants: dict[str, _Entrant], learnable: Dataset, limits: Limits, context: RunContext, *, named: bool
) -> None:
    """Open the sources and measure them; one that nobody named and that cannot be had is left out."""
    failure: SourceError | MissingExtraError | None = None
    for entrant in entrants.values():
        if entrant.refused:
            continue
        started = time.perf_counter()
        try:
            entrant.source = open_source(entrant.card, stream=context.reporter)
        except (SourceError, MissingExtraError) as error:
            if named:
                raise
            entrant.refused, failure = str(error), error
            continue
        entrant.latency_ms = cached_latency_ms(entrant.source, learnable.items, partial(_measure, entrant, learnable))
        entrant.refused = limits.slowness(entrant.latency_ms)
        entrant.seconds = time.perf_counter() - started
    if failure is not None and not any(entrant.source for entrant in entrants.values()):
        raise failure
    _check_any(entrants, limits)


def _measure(entrant: _Entrant, learnable: Dataset) -> float:
    assert entrant.source is not None
    return measure_latency_ms(entrant.source, entrant.session, learnable.items)


def _keep_to_budget(entrants: dict[str, _Entrant], n_items: int, left_s: float | None) -> None:
    """Leave out what cannot embed all items in half of the time that is left; in all of it, where none can."""
    if left_s is None:
        return
    needed_s = {
        name: entrant.latency_ms * n_items / 1000 / n_threads()
        for name, entrant in entrants.items()
        if not entrant.refused and entrant.latency_ms is not None
    }
    quickest = min(needed_s, key=lambda name: needed_s[name])
    if needed_s[quickest] > left_s:
        raise OptionError(
            f"no source can embed {n_items} items in the {max(left_s, 0.0):.1f} s that are left of the budget; the nearest is "
            f"{quickest}, which needs about {needed_s[quickest]:.1f} s. Allow more time."
        )
    for name, seconds in needed_s.items():
        if seconds > _EMBEDDING_SHARE * left_s and name != quickest:
            entrants[
                name
            ].refused = (
                f"embedding {n_items} items would take about {seconds:.0f} s, more than half of the {left_s:.0f} s left"
            )


def _ranked(entrant: _Entrant) -> Ranked:
    seen = entrant.seen
    return Ranked(
        name=entrant.card.name,
        score=seen.score if seen else None,
        predicted=seen.predicted if seen else None,
        n_items=seen.n_items if seen else 0,
        seconds=round(entrant.seconds, 3),
        latency_ms=None if entrant.latency_ms is None else round(entrant.latency_ms, 3),
        size_mib=round(size_mib(entrant.card), 1),
        license=entrant.card.license,
        dropped=entrant.refused or (seen.dropped if seen else ""),
    )
