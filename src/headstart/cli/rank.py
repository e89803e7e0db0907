"""headstart rank: which pretrained source will transfer best, within limits, and why."""

from __future__ import annotations

from headstart.cli.dataset_options import DatasetOptions
from headstart.cli.options import Budget, Data, Json, License, MaxLatency, MaxSize, Seed, Sources, parse_duration_s
from headstart.cli.output import emit, ranked_words
from headstart.cli.progress import ProgressFormat, reporting


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
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Say which pretrained source will transfer best to DATA, and why.

    Each sees a few items; only those that may still win see more.
    """
    from headstart.data import load
    from headstart.engines.context import RunContext
    from headstart.pipeline.choosing import names_of
    from headstart.ranking import Limits
    from headstart.ranking import rank as rank_sources

    names = names_of(source)
    limits = Limits(max_latency_ms=max_latency_ms, max_size_mib=max_size_mib, license=license)
    with reporting(progress) as voice:
        budget_s = parse_duration_s(budget)
        context = RunContext.default(seed=seed, budget_s=budget_s, progress=voice.reporter)
        with context.stage("load"):
            dataset = load(data, **options.arguments())
        with context.stage("rank"):
            ranking = rank_sources(dataset, sources=names, limits=limits, context=context)
        figures = ranking.to_dict()
        for of_field in (figures, *figures.get("others", ())):
            if of_field.get("field"):
                voice.say(f"{of_field['field']}:")
            for ranked in of_field["sources"]:
                voice.say(ranked_words(ranked))
        voice.say(ranking.sentence)
        if as_json:
            emit(figures)
