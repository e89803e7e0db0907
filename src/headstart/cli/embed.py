"""headstart embed: one vector an item, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import Images, InputColumn, Json, parse_share
from headstart.cli.output import emit
from headstart.cli.progress import ProgressFormat, reporting


def embed(
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA…", help="Files, folders, a table, or - for JSON Lines; labels are not needed."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Write the vectors to this .npy or .parquet file.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="Pretrained network, or several with commas between, side by side; the usual one if not given.",
        ),
    ] = None,
    input: InputColumn = None,
    images: Images = None,
    max_unreadable: Annotated[
        str | None,
        typer.Option("--max-unreadable", help="Share of items that may be unreadable: none for .npy, 1% for .parquet."),
    ] = None,
    progress: ProgressFormat = "auto",
    *,
    as_json: Json = False,
) -> None:
    """Turn DATA into vectors by a pretrained network, without labels and without a fit."""
    from headstart.engines.context import RunContext
    from headstart.features.embeddings import embed_inputs
    from headstart.features.writing import check_output, default_max_unreadable, summary, write_embeddings

    check_output(out)
    share = default_max_unreadable(out) if max_unreadable is None else parse_share(max_unreadable)
    with reporting(progress) as voice:
        context = RunContext.default(progress=voice.reporter)
        with context.stage("embed"):
            embeddings = embed_inputs(data, source, input=input, images=images, max_unreadable=share, context=context)
        for notice in embeddings.notices:
            voice.say(f"  - {notice.message}")
        with context.stage("write"):
            write_embeddings(out, embeddings)
        figures = summary(out, embeddings)
        voice.say(figures["sentence"])
        if as_json:
            emit(figures)
