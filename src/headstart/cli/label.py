"""headstart label: people say what the right answers were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundlePath, Json, Trust, TrustGraphs
from headstart.cli.output import emit, say

if TYPE_CHECKING:
    from headstart.monitoring.label_desk import LabelDesk


def label(
    bundle: BundlePath,
    log: Annotated[
        Path, typer.Option("--log", metavar="FOLDER", help="The log of answers, of `headstart serve` or `stream`.")
    ],
    labels: Annotated[
        Path, typer.Option("--labels", metavar="FILE", help="Where the labels are kept; made where it is not there.")
    ] = Path("labels.db"),
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Take the keys and labels of this file, then end.")
    ] = None,
    ask: Annotated[
        Path | None,
        typer.Option("--ask", metavar="FILE", help="Write the most useful answers as CSV, to be filled in; then end."),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many answers --ask writes.")] = 100,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write all labeled answers as CSV, then end.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port of the page; 0: any.")] = 0,
    trust: Trust = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Give true labels for answers of BUNDLE that were logged, the most useful first: on a page, until Ctrl-C, or as CSV files."""
    from headstart.monitoring.label_desk import LabelDesk
    from headstart.monitoring.label_store import LabelStore
    from headstart.packaging import load_bundle

    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    with LabelStore(labels) as store:
        desk = LabelDesk(model, log, store)
        done = {}
        if csv is not None:
            done["taken"] = desk.take_csv(csv)
            say(f"{done['taken']:,} labels of {csv} are kept in {labels}.")
            done["without_answer"] = desk.n_without_answer(csv)
            if done["without_answer"]:
                say(
                    f"{done['without_answer']:,} of them belong to no answer in {log}: it is yet to come, or the keys are others."
                )
        if ask is not None:
            done["asked"] = desk.write_next(ask, n)
            say(f"{done['asked']:,} answers wait in {ask}. Fill in the column label, then give the file as --csv.")
        if out is not None:
            done["written"] = desk.write_labelled(out)
            say(f"{done['written']:,} labeled answers are in {out}.")
        if not done:
            _show(desk, port, browser=browser)
        if as_json:
            emit({**done, "labeled": len(store.current())})


def _show(desk: LabelDesk, port: int, *, browser: bool) -> None:
    from headstart.cli.waiting import until_the_end
    from headstart.monitoring.label_page import LabelPage

    desk.waiting()  # a log that cannot be read is said before a page is open
    with LabelPage(desk).server(port) as server, until_the_end() as end:
        say(f"Labels are given at {server.url}, and kept in {desk.store.path}. Ctrl-C ends.")
        if browser:
            server.show()
        end.wait()
