"""headstart predict: a bundle answers for files, folders, tables or standard input; needs no torch."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli.options import BundlePath, Images, Input, Json, MaxUnreadable, Trust, TrustGraphs, parse_share
from headstart.cli.output import emit, say
from headstart.cli.progress import ProgressFormat, reporting
from headstart.cli.streams import put
from headstart.core.errors import DataError, OptionError
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headstart.packaging import Prediction

_SUFFIXES = (".csv", ".jsonl")
_N_SHOWN = 20


def predict(
    bundle: BundlePath,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT…", help="Files, folders, a table, texts' files, or - for JSON Lines.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write the answers to this .csv or .jsonl file.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many of the likeliest labels to give.")] = 3,
    input: Input = None,
    images: Images = None,
    max_unreadable: MaxUnreadable = "1%",
    trust: Trust = None,
    progress: ProgressFormat = "auto",
    *,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Predict with BUNDLE for files, folders, tables or standard input.

    Tables are CSV, TSV, JSON Lines or Parquet; standard input, named -, is JSON Lines.
    """
    from headstart.data import read_items
    from headstart.engines.context import RunContext
    from headstart.packaging import load_bundle

    if out is not None and out.suffix.lower() not in _SUFFIXES:
        raise OptionError(f"--out writes .csv or .jsonl, but '{out}' was given. Name a file that ends in one of these.")
    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    if input is not None and len(model.fields) > 1:
        names = ", ".join(f"'{field.name}'" for field in model.fields)
        raise OptionError(f"{bundle} reads several columns and finds them by their names: {names}. Leave --input out.")
    column = input or model.manifest["columns"].get("input")
    share = parse_share(max_unreadable)
    items = read_items(inputs, modality=model.reads, input=column, images=images, max_unreadable=share)
    for notice in items.notices:
        say(f"  - {notice.message}")
    with reporting(progress) as voice:
        context = RunContext.default(progress=voice.reporter)
        answers = model.predictions(items.items, top=top, names=items.ids, context=context)
    _check_readable(answers, items.blank, parse_share(max_unreadable))
    if out is not None:
        from headstart.storage.files import write_file

        written = (_as_csv if out.suffix.lower() == ".csv" else _as_lines)(answers, items.own_ids)
        write_file(out, written.encode())
        say(f"{len(answers)} answers written to {out}")
    if as_json:
        emit(_with_ids(answers, items.own_ids))
    elif out is None:
        _show(answers)


def _check_readable(answers: Sequence[Prediction], blank: Collection[int], max_unreadable: float) -> None:
    """Count items that broke only when they were decoded like those that were seen to be broken before; blank ones are no fault."""
    bad = UnreadableItems(max_unreadable=max_unreadable)
    for place, answer in enumerate(answers):
        if answer.error and place not in blank:
            bad.add(answer.item, answer.error.removeprefix(f"'{answer.item}' "))
    if bad and len(bad) + len(blank) == len(answers):
        raise DataError(next(answer.error for place, answer in enumerate(answers) if place not in blank))
    bad.check(len(answers), "the inputs")
    notice = bad.notice()
    if notice is not None:
        say(f"  - {notice.message}")


def _show(answers: Sequence[Prediction]) -> None:
    for answer in answers[:_N_SHOWN]:
        put(f"{answer.item}\t{_words(answer)}\n")
    if len(answers) > _N_SHOWN:
        say(f"… and {len(answers) - _N_SHOWN} more; --out FILE or --json gives them all")


def _words(answer: Prediction) -> str:
    if answer.error:
        return f"not readable: {answer.error}"
    if answer.value is not None:
        return f"{answer.value:.6g}"
    likeliest = ", ".join(f"{label} {probability:.3f}" for label, probability in answer.top)
    return likeliest if answer.labels is None else f"[{', '.join(answer.labels)}] {likeliest}"


def _with_ids(answers: Sequence[Prediction], own_ids: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The fields of each answer behind the user's own ids of its row."""
    ids = [dict(zip(own_ids, cells, strict=True)) for cells in zip(*own_ids.values(), strict=True)]
    return [{**own, **answer.to_dict()} for own, answer in zip(ids or [{}] * len(answers), answers, strict=True)]


def _as_lines(answers: Sequence[Prediction], own_ids: Mapping[str, Sequence[Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in _with_ids(answers, own_ids))


def _as_csv(answers: Sequence[Prediction], own_ids: Mapping[str, Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*own_ids, "item", "prediction", "probability", "error"])
    for place, answer in enumerate(answers):
        labels = answer.label if answer.labels is None else ";".join(answer.labels)
        own = [cells[place] for cells in own_ids.values()]
        writer.writerow(
            [*own, answer.item, labels if answer.value is None else answer.value, answer.probability, answer.error]
        )
    return text.getvalue()
