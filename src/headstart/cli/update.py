"""headstart update: a registry whose champion follows recent labelled records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from headstart.cli.dataset_options import DatasetOptionsOfBundle
from headstart.cli.options import Json
from headstart.cli.output import emit
from headstart.cli.progress import ProgressFormat, Voice, reporting
from headstart.core.errors import OptionError
from headstart.packaging.registries.address import shown


def update(
    registry: Annotated[
        str,
        typer.Argument(
            metavar="REGISTRY",
            help="The folder of the versions, postgresql://USER@HOST/DATABASE?registry=NAME, or mlflow+http://HOST:PORT/NAME.",
        ),
    ],
    data: Annotated[str | None, typer.Option("--data", help="Recent labelled records, the oldest first.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="Column to order the records by.")] = None,
    challenger: Annotated[
        str | None,
        typer.Option("--challenger", metavar="NAMES", help="Which are made, with commas between; all if not given."),
    ] = None,
    budget_s: Annotated[float, typer.Option("--budget-s", help="Seconds that all of it may take.")] = 300.0,
    level: Annotated[float, typer.Option("--level", help="Probability of promoting what is no better.")] = 0.05,
    guard_records: Annotated[
        int,
        typer.Option("--guard-records", help="After a promotion, records on which the former champion may come back."),
    ] = 2000,
    init: Annotated[str | None, typer.Option("--init", metavar="BUNDLE", help="Make the registry of a bundle.")] = None,
    keep_items: Annotated[
        Path | None,
        typer.Option("--keep-items", metavar="FILE", help="Keep old labelled items, on which no slice may get worse."),
    ] = None,
    slices: Annotated[
        str | None, typer.Option("--slices", metavar="COLUMN", help="Of --keep-items, besides the labels.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="For folds.")] = 0,
    *,
    options: DatasetOptionsOfBundle,
    approve: Annotated[
        bool, typer.Option("--approve", help="Ask a person before a promotion; exit code 3 if nobody is there.")
    ] = False,
    promote: Annotated[bool, typer.Option("--promote", help="Agree to the promotion that was asked for.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Make the former champion the champion again.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Print the log.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the log and every version; exit code 1 if one was changed.")
    ] = False,
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Judge the champion of REGISTRY on recent labelled records, and promote what is shown to be better."""
    chosen = [init is not None, data is not None, promote, rollback, history, verify]
    if sum(chosen) > 1 or not (any(chosen) or keep_items):
        raise OptionError(
            "say one thing to do: --init BUNDLE, --data FILE, --promote, --rollback, --history or --verify."
        )
    with reporting(progress) as voice:
        figures: dict[str, Any] = {"registry": shown(registry)}
        code = 0
        if init is not None:
            figures |= _init(registry, init, voice)
        if keep_items is not None:
            figures |= _keep(registry, keep_items, options, slices, voice)
        if promote or rollback:
            figures |= _move(registry, promote=promote, guard_records=guard_records, voice=voice)
        if history or verify:
            said, code = _look(registry, voice, is_verified=verify)
            figures |= said
        if data is not None:
            from headstart.updating import update as update_registry

            found = update_registry(
                registry,
                data,
                challengers=challenger,
                budget_s=budget_s,
                level=level,
                guard_records=guard_records,
                approve=approve,
                confirm=_confirm if approve and sys.stdin.isatty() else None,
                seed=seed,
                progress=voice.reporter,
                **({**options.arguments(), "time": time} if time else options.arguments()),
            )
            for line in found.words():
                voice.say(line)
            figures, code = {**figures, **found.to_dict()}, found.exit_code
        if as_json:
            emit(figures)
    if code:
        raise typer.Exit(code)


def _confirm(question: str) -> bool:
    return typer.confirm(question, err=True)


def _init(registry: str, bundle: str, voice: Voice) -> dict[str, Any]:
    from headstart.updating.opening import create_registry

    create_registry(registry, bundle)
    voice.say(f"{shown(registry)} is a registry now; its champion is version 1, a copy of {bundle}.")
    return {"champion": 1}


def _keep(
    registry: str, path: Path, options: DatasetOptionsOfBundle, slices: str | None, voice: Voice
) -> dict[str, Any]:
    from headstart.updating.old_items import keep_items
    from headstart.updating.opening import open_registry

    with open_registry(registry) as store:
        n_items = keep_items(store, path, options.arguments(), slices)
    voice.say(
        f"{n_items} items of {path} are kept; a challenger that is credibly worse on a slice of them is not promoted."
    )
    return {"n_kept_items": n_items}


def _move(registry: str, *, promote: bool, guard_records: int, voice: Voice) -> dict[str, Any]:
    from headstart.updating.opening import open_registry
    from headstart.updating.update import promote_challenger

    if promote:
        voice.say(promote_challenger(registry, guard_records))
    with open_registry(registry) as store:
        if not promote:
            store.roll_back("a person asked")
            voice.say(f"Version {store.champion} is the champion again.")
        return {"champion": store.champion}


def _look(registry: str, voice: Voice, *, is_verified: bool) -> tuple[dict[str, Any], int]:
    from headstart.updating.opening import open_registry

    with open_registry(registry) as store:
        entries = store.history()
        if not is_verified:
            for entry in entries:
                voice.say(f"{entry.n:>4}  {entry.at}  {entry.step}  {entry.detail}")
            return {"champion": store.champion, "history": [one.to_dict() for one in entries]}, 0
        problems = store.problems()
    for problem in problems:
        voice.say(f"  - {problem}")
    last = entries[-1].hash
    voice.say(
        "Something was changed."
        if problems
        else f"The log and all versions are whole. Its last hash is {last}: kept elsewhere, it shows a log that was written anew."
    )
    return {"problems": problems, "last_hash": last}, 1 if problems else 0
