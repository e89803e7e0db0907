"""headstart stream: a bundle answers records as they come, from one place to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundlePath, Json, Trust, TrustGraphs
from headstart.cli.output import emit, say
from headstart.cli.progress import ProgressFormat, reporting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.streaming.windows.settings import WindowSettings


def stream(
    bundle: BundlePath,
    from_: Annotated[
        str,
        typer.Option("--from", metavar="URL", help="Where records come from: -, a file, a folder, SCHEME://…"),
    ],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="Where answers go, likewise.")] = "-",
    dead: Annotated[
        str | None,
        typer.Option(
            "--dead", metavar="URL", help="Where records go that cannot be read; beside the answers if not given."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="FIELD", help="Field that is the key; the event's source and id, or the position."
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Most records that are answered together.")] = 64,
    latency_ms: Annotated[
        float, typer.Option("--latency-ms", min=0, help="How long the first of a batch waits for others.")
    ] = 20.0,
    top: Annotated[int, typer.Option("--top", min=1, help="How many of the likeliest labels to give.")] = 3,
    cloudevents: Annotated[
        str | None,
        typer.Option("--cloudevents", metavar="FORM", help="Answers are CloudEvents: structured (one JSON) or binary."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FOLDER", help="Folder that remembers how far a file was read.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the stream.")] = 1,
    give_up_s: Annotated[
        float, typer.Option("--give-up-s", min=0, help="How long a place may be away before it is an error.")
    ] = 60.0,
    max_megapixels: Annotated[float, typer.Option("--max-megapixels", min=0.001, help="Size of one photo.")] = 50.0,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65_535, help="Where Prometheus may ask, on 127.0.0.1."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="TIME", help="Count answers in windows so long: 30s, 1m, 2h, 1d."),
    ] = None,
    window_every: Annotated[
        str | None,
        typer.Option(
            "--window-every", metavar="TIME", help="A window begins so often; one after the other if not given."
        ),
    ] = None,
    window_gap: Annotated[
        str | None,
        typer.Option("--window-gap", metavar="TIME", help="Instead of --window: one ends after so long a silence."),
    ] = None,
    window_by: Annotated[
        str | None, typer.Option("--window-by", metavar="FIELD", help="Field by whose values windows are grouped.")
    ] = None,
    window_time: Annotated[
        str | None,
        typer.Option(
            "--window-time", metavar="FIELD", help="When it happened: a field, or arrival; the record's own time."
        ),
    ] = None,
    window_lateness: Annotated[
        str, typer.Option("--window-lateness", metavar="TIME", help="How much older than the newest a record may be.")
    ] = "0s",
    window_label: Annotated[
        str | None, typer.Option("--window-label", metavar="FIELD", help="Field of the true label, where it is known.")
    ] = None,
    window_label_time: Annotated[
        str | None, typer.Option("--window-label-time", metavar="FIELD", help="Field of when the label became known.")
    ] = None,
    windows_to: Annotated[
        str | None,
        typer.Option(
            "--windows-to", metavar="URL", help="A folder (Parquet), postgresql://…, or where answers can go."
        ),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch", metavar="FOLDER", help="Watch the stream, and keep the watch here, for `watch --open`."
        ),
    ] = None,
    false_alarms: Annotated[
        str, typer.Option("--false-alarms", metavar="BUDGET", help="With --watch: false alarms to bear.")
    ] = "1/100000",
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="RATE", help="With --watch: how many records come: '1000 per hour'.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="With --watch: where an incident is told of.")
    ] = None,
    mail: Annotated[
        Path | None, typer.Option("--mail", metavar="FOLDER", help="With --watch: folder for an .eml file of it.")
    ] = None,
    prediction_log: Annotated[
        Path | None, typer.Option("--prediction-log", help="Folder for Parquet files of what was answered.")
    ] = None,
    trust: Trust = None,
    progress: ProgressFormat = "auto",
    *,
    windows_keep_open: Annotated[
        bool,
        typer.Option("--windows-keep-open", help="When the input ends, leave windows open for the next run."),
    ] = False,
    log_items: Annotated[
        bool,
        typer.Option("--log-items", help="Write the items there too, for `headstart label`; show them beside alarms."),
    ] = False,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Answer every record that comes with BUNDLE, until the input ends; SIGTERM and Ctrl-C finish what was received.

    With --watch it exits with 3 where an incident is open by then.
    """
    from headstart.core.errors import OptionError
    from headstart.monitoring.looking_on import looking_on
    from headstart.monitoring.telling import Teller
    from headstart.streaming import StreamSettings
    from headstart.streaming import stream as run_stream

    if as_json and to == "-":
        raise OptionError("--json prints on standard output, where the answers go. Name another place with --to.")
    lengths = {"size": window, "every": window_every, "gap": window_gap}
    fields = {"by": window_by, "time": window_time, "label": window_label, "label_time": window_label_time}
    windows = _windows(windows_to, {**lengths, **fields}, lateness=window_lateness, keep_open=windows_keep_open)
    settings = StreamSettings(
        batch=batch,
        latency_ms=latency_ms,
        top=top,
        key=key,
        dead=dead,
        cloudevents=cloudevents,
        state=state,
        workers=workers,
        give_up_s=give_up_s,
        max_megapixels=max_megapixels,
        metrics_port=metrics_port,
        windows=windows,
        trust=trust,
        trust_graphs=trust_graphs or None,
    )
    if workers > 1 and prediction_log is not None:
        raise OptionError(
            "--prediction-log looks on at one process. Leave --workers out, or start several streams, each with a folder of its own."
        )
    settings.check()
    looked = looking_on(
        bundle,
        watch=watch,
        prediction_log=prediction_log,
        log_items=log_items,
        false_alarms=false_alarms,
        rate=rate,
        teller=None if webhook is None and mail is None else Teller(webhook=webhook, mail=mail),
        complain=lambda message: say(f"watch: {message}"),
        trust=trust,
        trust_graphs=trust_graphs or None,
    )
    with reporting(progress) as voice, looked as on:
        summary = run_stream(
            bundle,
            from_,
            to,
            settings=settings,
            observers=on.observers,
            recorders=on.recorders,
            progress=voice.reporter,
        )
        voice.say(str(summary))
    verdict = on.verdict()
    if verdict is not None and progress != "none":
        say(verdict.sentence)
    if as_json:
        emit(summary.to_dict() if verdict is None else {**summary.to_dict(), "watch": verdict.brief()})
    if verdict is not None and verdict.exit_code:
        raise typer.Exit(verdict.exit_code)


def _windows(
    to: str | None, asked: Mapping[str, str | None], *, lateness: str, keep_open: bool
) -> WindowSettings | None:
    """The windows that are asked for; None for none."""
    from headstart.core.errors import OptionError
    from headstart.streaming.windows.settings import WindowSettings

    if to is not None:
        return WindowSettings(to=to, lateness=lateness, keep_open=keep_open, **asked)
    if any(asked.values()):
        raise OptionError("windows are asked for, and not where they go. Name a place with --windows-to.")
    return None
