"""headstart rank: which pretrained source will transfer best, within limits, and why."""

from __future__ import annotations

import sys

from headstart.cli.dataset_options import DatasetOptions
from headstart.cli.options import Budget, Data, Json, License, MaxLatency, MaxSize, Seed, Sources, parse_duration_s
from headstart.cli.output import emit, ranked_words, say


def rank(
    data: Data,
    source: Sources = None,
    budget: Budget = None,
    max_latency_ms: MaxLatency = None,
    max_size_mib: MaxSize = None,
    license: License = None,
    *,
    options: DatasetOptions,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Say which pretrained source will transfer best to DATA, and why.

    Each sees a few items; only those that may still win see more.
    """
    from headstart.data import load
    from headstart.engines.clock import Clock
    from headstart.pipeline.choosing import names_of
    from headstart.ranking import Limits
    from headstart.ranking import rank as rank_sources

    names = names_of(source)
    limits = Limits(max_latency_ms=max_latency_ms, max_size_mib=max_size_mib, license=license)
    clock = Clock(parse_duration_s(budget))
    dataset = load(data, **options.arguments())
    ranking = rank_sources(dataset, sources=names, limits=limits, clock=clock, seed=seed, progress=sys.stderr)
    figures = ranking.to_dict()
    for of_field in (figures, *figures.get("others", ())):
        if of_field.get("field"):
            say(f"{of_field['field']}:")
        for ranked in of_field["sources"]:
            say(ranked_words(ranked))
    say(ranking.sentence)
    if as_json:
        emit(figures)
