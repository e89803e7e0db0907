"""headstart pretrain: a labelled dataset becomes a source for other data of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from headstart.cli.dataset_options import DatasetOptions
from headstart.cli.options import Budget, Data, Json, Seed, Sources, parse_duration_s
from headstart.cli.output import emit
from headstart.cli.progress import ProgressFormat, reporting


def pretrain(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for the source.")],
    source: Sources = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="The time for 500 items: fast (30 s), balanced (3 minutes) or best (15 minutes)."
        ),
    ] = "balanced",
    budget: Budget = None,
    name: Annotated[str | None, typer.Option("--name", help="What the source is called.")] = None,
    *,
    options: DatasetOptions,
    seed: Seed = 0,
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Make a source of DATA: a model, and sums and quantiles of its columns; no row of it is kept.

    Other data of the same kind then takes from it with: headstart fit OTHER --source SOURCE
    """
    from headstart.pipeline.pretraining import pretrain as make_source

    with reporting(progress) as voice:
        made = make_source(
            data,
            out=out,
            source=source,
            preset=preset,
            budget_s=parse_duration_s(budget),
            name=name,
            seed=seed,
            progress=voice.reporter,
            **options.arguments(),
        )
        figures = made.to_dict()
        _show(figures, voice.say)
        if as_json:
            emit(figures)


def _show(figures: dict[str, Any], say: Any) -> None:
    metric = figures["metric"]
    value = f"{metric['name']} {metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})"
    say(f"{figures['deployed']}: {value} on held-out items of its own")
    say(
        f"{figures['source']} is a source of {figures['n_rows']:,} rows and {figures['n_columns']} columns; use it with:"
    )
    say(f"  headstart fit DATA --source {figures['source']} --out MODEL")
