"""headstart watch: whether the world has changed since the model was proven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundlePath, Json, Trust, TrustGraphs
from headstart.cli.output import emit, say
from headstart.cli.progress import ProgressFormat, reporting

if TYPE_CHECKING:
    from headstart.monitoring import WatchVerdict
    from headstart.packaging import Bundle

_N_SAID = 5


def watch(
    bundle: BundlePath,
    live: Annotated[str | None, typer.Option("--live", metavar="DATA", help="New records, in their order.")] = None,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FOLDER", help="A prediction log of `headstart serve` instead.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="CSV of keys and true labels, as they came.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="DATA", help="Compare with this, not with what the bundle holds."),
    ] = None,
    false_alarms: Annotated[
        str,
        typer.Option(
            "--false-alarms", metavar="BUDGET", help="False alarms to bear: 1/720000 records, or '1 per month'."
        ),
    ] = "1/100000",
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="RATE", help="How many records come: '1000 per hour'.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FOLDER", help="Keep the watch here, and go on from it.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write report.html, report.json and metrics.prom here."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Where an alarm is sent as a CloudEvent.")
    ] = None,
    mail: Annotated[
        Path | None,
        typer.Option("--mail", metavar="FOLDER", help="Folder in which an alarm is written as an .eml file."),
    ] = None,
    live_page: Annotated[
        Path | None,
        typer.Option(
            "--open",
            metavar="FOLDER",
            help="Show a live page of the watch kept here by `stream --watch`, or with --log of that log as it grows; until Ctrl-C.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Of the live page; 0: any.")] = 0,
    acknowledge: Annotated[
        str | None,
        typer.Option(
            "--acknowledge", metavar="WORDS", help="Say that you know of what is open in --state or --open, and end."
        ),
    ] = None,
    trust: Trust = None,
    progress: ProgressFormat = "auto",
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the live page.")] = True,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Watch the records and answers of BUNDLE; exit with 3 while an incident is open."""
    from headstart.monitoring import watch as look
    from headstart.monitoring.changing import version_of
    from headstart.monitoring.notifying import write_report
    from headstart.monitoring.telling import Teller, keep_told
    from headstart.packaging import load_bundle

    if acknowledge is not None:
        _acknowledge(state or live_page, acknowledge)
        return
    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    if live_page is not None:
        _refuse(
            {"--live": live, "--labels": labels, "--state": state, "--out": out, "--webhook": webhook, "--mail": mail}
        )
        _show(model, bundle, live_page, log, port, browser=browser, budget=(false_alarms, rate), reference=reference)
        return
    with reporting(progress) as voice:
        verdict = look(
            model,
            live=live,
            log=log,
            labels=labels,
            reference=reference,
            false_alarms=false_alarms,
            rate=rate,
            state=state,
            version=version_of(bundle),
            progress=voice.reporter,
        )
    _say(verdict)
    if as_json:
        emit(verdict.to_dict())
    if out is not None:
        write_report(verdict, model.name, out)
    if mail is not None or webhook is not None:
        Teller(webhook=webhook, mail=mail).tell(verdict, model.name, keep=lambda told: keep_told(state, told))
    if verdict.exit_code:
        raise typer.Exit(verdict.exit_code)


def _acknowledge(folder: Path | None, words: str) -> None:
    from headstart.core.errors import OptionError
    from headstart.monitoring.telling import acknowledge

    if folder is None:
        raise OptionError(
            "--acknowledge needs the folder that keeps the watch: --state FOLDER, or --open FOLDER of a live one."
        )
    if not words.strip():
        raise OptionError(
            '--acknowledge needs words, for those who come after: --acknowledge "the price list of June".'
        )
    acknowledge(folder, words.strip())
    say(f"The open incident in {folder} is known: {words.strip()}. Another number that moves is another incident.")


def _show(
    model: Bundle,
    bundle: str,
    folder: Path,
    log: Path | None,
    port: int,
    *,
    browser: bool,
    budget: tuple[str, str | None],
    reference: str | None,
) -> None:
    from headstart.cli.waiting import until_the_end
    from headstart.monitoring.changing import version_of
    from headstart.monitoring.live_page import LivePage
    from headstart.monitoring.looking_on import follow_log, open_live
    from headstart.packaging.registries.address import is_remote
    from headstart.storage.alias import registry_of
    from headstart.updating.contest import ContestFeed

    registry = bundle if is_remote(bundle) else registry_of(Path(bundle))
    contest = None if registry is None else ContestFeed(registry)
    live = None
    if log is not None:
        live = open_live(
            model, folder, name=model.name, false_alarms=budget[0], rate=budget[1], reference=reference,
            version=version_of(bundle), log=log,
        )  # fmt: skip
    with LivePage(folder, contest=contest).server(port) as server, until_the_end() as end:
        say(f"The watch in {folder} is shown at {server.url}. Ctrl-C ends.")
        if browser:
            server.show()
        if live is None or log is None:
            end.wait()
        else:
            follow_log(live, log, end)


def _say(verdict: WatchVerdict) -> None:
    say(verdict.sentence)
    for one in [one for one in verdict.incidents if one.needs_a_person][-1:]:
        say(f"  {one.culprit.advice}")
    for change in [one for one in verdict.changes if one.size == "moved"][:_N_SAID]:
        say(f"  - {change.name}: {change.change:+.2f} ({change.low:+.2f} to {change.high:+.2f}) {change.unit}")
    for name, known in verdict.accuracy.items():
        say(f"  {name}: {known.value:.3f} (95 % interval {known.low:.3f} to {known.high:.3f}, {known.n:,} records)")
    for broken in verdict.breaks:
        say(f"  - {broken.message}")


def _refuse(others: dict[str, object]) -> None:
    from headstart.core.errors import OptionError

    if given := [name for name, value in others.items() if value is not None]:
        raise OptionError(f"{given[0]} does not go with --open, whose folder keeps all. Leave one of them out.")
