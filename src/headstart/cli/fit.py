"""headstart fit: the whole line, from a path to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from headstart.cli.dataset_options import DatasetOptions
from headstart.cli.options import (
    Budget,
    Data,
    Json,
    License,
    MaxLatency,
    MaxSize,
    Seed,
    Sources,
    parse_by_label,
    parse_duration_s,
)
from headstart.cli.output import emit, label_words, ranked_words, score_words, source_and_head, tuning_words
from headstart.cli.progress import ProgressFormat, reporting

if TYPE_CHECKING:
    from collections.abc import Callable


_N_LABELS = 20


def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for the bundle.")],
    source: Sources = None,
    match: Annotated[
        str | None,
        typer.Option(
            "--match",
            metavar="COLUMN=SOURCE_COLUMN,…",
            help="Columns of a source of your own; *0.01 behind one for another unit.",
        ),
    ] = None,
    source_data: Annotated[
        str | None,
        typer.Option(
            "--source-data",
            metavar="DATA",
            help="Another table with the same target column, fitted together with DATA; rows of DATA alone are held out.",
        ),
    ] = None,
    head: Annotated[
        str, typer.Option("--head", help="What stands on the features: auto, ridge, logistic, svm, prototypes or lda.")
    ] = "auto",
    tune: Annotated[
        str | None,
        typer.Option("--tune", help="How the network is tuned: none, auto, contrastive, bitfit, lora or fine-tune."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="The time for 500 items: fast (30 s), balanced (3 minutes) or best (15 minutes)."
        ),
    ] = "balanced",
    baselines: Annotated[
        str | None, typer.Option("--baselines", help="What to prove the model against: none, simple, full or all.")
    ] = None,
    budget: Budget = None,
    max_latency_ms: MaxLatency = None,
    max_size_mib: MaxSize = None,
    license: License = None,
    max_sources: Annotated[
        int | None, typer.Option("--max-sources", help="How many sources the model may read.", min=1)
    ] = None,
    prefer: Annotated[
        str, typer.Option("--prefer", help="What ships: accuracy, or small: a plain model unless transfer is proven.")
    ] = "accuracy",
    worth: Annotated[
        float, typer.Option("--worth", help="The expected gain, in points, that pretrained parts must be worth.")
    ] = 0.5,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="What heads the report and decides on the verdict, such as macro-F1."),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold",
            metavar="[LABEL=]NUMBER",
            help="Probability from which on a label is predicted: the second of two, or LABEL.",
        ),
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(
            "--class-weights", metavar="LABEL=NUMBER,…", help="What missing an item of each label costs; or balanced."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the report and the bundle are called.")] = None,
    *,
    options: DatasetOptions,
    seed: Seed = 0,
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Adapt a pretrained model to DATA, prove it, and pack a bundle.

    What is proven, on held-out items, is that transfer helped; where it is expected to be worth nothing, the best baseline is
    packed.
    """
    from headstart.pipeline import fit as fit_line

    with reporting(progress) as voice:
        fitted = fit_line(
            data,
            out=out,
            source=source,
            match=match,
            source_data=source_data,
            head=head,
            tune=tune,
            preset=preset,
            baselines=cast("Any", baselines),  # like `prefer` checked by name where it is used
            budget_s=parse_duration_s(budget),
            max_latency_ms=max_latency_ms,
            max_size_mib=max_size_mib,
            license=license,
            max_sources=max_sources,
            prefer=cast("Any", prefer),
            worth=worth / 100,
            metric=metric,
            threshold=cast("Any", parse_by_label(threshold, "--threshold")),
            class_weights=cast("Any", parse_by_label(class_weights, "--class-weights")),
            name=name,
            seed=seed,
            progress=voice.reporter,
            **options.arguments(),
        )
        figures = fitted.to_dict()
        _show(figures, voice.say)
        if as_json:
            emit(figures)


def _show(figures: dict[str, Any], say: Callable[[str], None]) -> None:
    for notice in figures["notices"]:
        say(f"  - {notice['message']}")
    for source in figures["ranking"]:
        say(ranked_words(source))
    for result in figures["tuning"]:
        say(tuning_words(result))
    _show_scores(figures, say)
    for name, score in figures["estimates"].items():
        say(f"  estimate, {name}: {score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})")
    if figures["forecast"]:
        say(f"  {figures['forecast']}")
    if figures["own_source"]:
        for sentence in figures["own_source"]["sentences"]:
            say(f"  {sentence}")
    if figures["decision"]:
        say(f"  {figures['decision']}")
    for label in figures["per_label"][:_N_LABELS]:
        say(f"  {label_words(label)}")
    say(figures["sentence"])
    say(f"{figures['bundle']} written in {figures['seconds']['total']:.1f} s; open {figures['bundle']}/report.html")


def _show_scores(figures: dict[str, Any], say: Callable[[str], None]) -> None:
    """Say the score of what is packed, then what it was compared with."""
    weighed = [model for model in figures["models"] if model["weight"] > 0]
    model = figures["head"] if len(weighed) > 1 else source_and_head(figures["source"], figures["head"])
    if len(weighed) == 1 and weighed[0]["family"] == "own":
        model = weighed[0]["name"]
    packed = next((one["name"] for one in figures["baselines"] if one["name"] == figures["deployed"]), None)
    say(f"{packed or model} (packed): {score_words(figures['shipped'])}")
    if packed and packed != model:
        say(f"not packed: {model}: {score_words(figures['metric'])}; its gains and estimates:")
    for baseline in figures["baselines"]:
        gain = baseline["gain"]
        say(
            f"  {baseline['name']:<28} {baseline['value']:.3f}   gain {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
        )
