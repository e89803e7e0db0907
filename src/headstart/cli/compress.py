"""headstart compress: a bundle becomes a smaller or faster one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from headstart.cli.dataset_options import DatasetOptionsOfBundle
from headstart.cli.options import BundlePath, Data, Json, Seed, parse_share
from headstart.cli.output import emit, score_words
from headstart.cli.progress import ProgressFormat, reporting
from headstart.core.errors import OptionError
from headstart.core.words import listed_words


def compress(
    bundle: BundlePath,
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for the smaller bundle.")],
    purpose: Annotated[
        str, typer.Option("--for", help="What has to become better: size, speed or both; a target goes before.")
    ] = "size",
    tolerance: Annotated[
        str, typer.Option("--tolerance", help="How far the headline score may fall, by the paired interval.")
    ] = "1%",
    target_ms: Annotated[
        float | None, typer.Option("--target-ms", help="Longest time for one item alone, on this machine.")
    ] = None,
    target_mib: Annotated[float | None, typer.Option("--target-mib", help="Largest size.")] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="What to try, with commas between; all that suits if not given.")
    ] = None,
    *,
    options: DatasetOptionsOfBundle,
    seed: Seed = 0,
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Make BUNDLE smaller or faster, proven on held-out items of DATA, or say that nothing pays."""
    from headstart.compression import compress as make_smaller

    with reporting(progress) as voice:
        compressed = make_smaller(
            bundle,
            data,
            out=out,
            purpose=cast("Any", purpose),  # checked by name where it is used
            tolerance=parse_share(tolerance),
            target_ms=target_ms,
            target_mib=target_mib,
            methods=None if method is None else [*listed_words(method)],
            seed=seed,
            progress=voice.reporter,
            **options.arguments(),
        )
        figures = compressed.to_dict()
        voice.say(
            f"before: {figures['original_mib']:.2f} MiB, {score_words(figures['original'])}; {figures['evaluation']}"
        )
        if as_json:
            emit(figures)
        if compressed.bundle is None:
            raise OptionError(compressed.sentence)
        voice.say(compressed.sentence)
        voice.say(f"{compressed.bundle} written; open {compressed.bundle}/report.html")
