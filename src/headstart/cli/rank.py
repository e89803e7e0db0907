"""headstart rank: which pretrained source will transfer best, within limits, and why."""

from __future__ import annotations

import sys

from headstart.cli.options import (
    Budget,
    Data,
    Group,
    Input,
    Json,
    Licence,
    MaxBad,
    MaxLatency,
    MaxSize,
    Seed,
    Sources,
    Target,
    Task,
    Time,
    parse_duration_s,
    parse_share,
)
from headstart.cli.output import emit, ranked_words, say


def rank(
    data: Data,
    source: Sources = None,
    budget: Budget = None,
    max_latency_ms: MaxLatency = None,
    max_size_mib: MaxSize = None,
    licence: Licence = None,
    input: Input = None,  # noqa: A002
    target: Target = None,
    task: Task = None,
    group: Group = None,
    time: Time = None,
    max_bad: MaxBad = "1%",
    seed: Seed = 0,
    *,
    as_json: Json = False,
) -> None:
    """Say which pretrained source will transfer best to DATA, and why.

    Each sees a few items; only those that may still win see more.
    """
    from headstart.data import load
    from headstart.engines.clock import Clock
    from headstart.line.choosing import names_of
    from headstart.ranking import Limits
    from headstart.ranking import rank as rank_sources

    names = names_of(source)
    limits = Limits(max_latency_ms=max_latency_ms, max_size_mib=max_size_mib, licence=licence)
    clock = Clock(parse_duration_s(budget))
    dataset = load(data, input=input, target=target, task=task, group=group, time=time, max_bad=parse_share(max_bad))
    ranking = rank_sources(dataset, sources=names, limits=limits, clock=clock, seed=seed, progress=sys.stderr)
    figures = ranking.to_dict()
    for ranked in figures["sources"]:
        say(ranked_words(ranked))
    say(ranking.sentence)
    if as_json:
        emit(figures)
