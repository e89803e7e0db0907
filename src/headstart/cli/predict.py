"""headstart predict: a bundle answers for files, folders, tables or standard input; needs no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli.options import BundlePath, Images, Input, Json, Sheet, Trust, TrustGraphs, parse_share
from headstart.cli.output import emit, say
from headstart.cli.progress import ProgressFormat, reporting
from headstart.cli.streams import put
from headstart.core.errors import DataError, MissingColumnError, OptionError
from headstart.core.prediction import Prediction
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Notice
    from headstart.data.items import Items
    from headstart.data.readers.columns import TableSource
    from headstart.packaging import Bundle
    from headstart.packaging.answer_table import AnswerTable

_N_SHOWN = 20


def predict(
    bundle: BundlePath,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT…", help="Files, folders, a table, texts' files, or - for JSON Lines.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the answers, beside the columns of a table, to this .csv or .jsonl file."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, help="How many of the likeliest labels to give; 3, but none in a CSV."),
    ] = None,
    input: Input = None,
    images: Images = None,
    sheet: Sheet = None,
    max_unreadable: Annotated[
        str, typer.Option("--max-unreadable", help="Share of inputs that may be unreadable; they are reported.")
    ] = "100%",
    trust: Trust = None,
    progress: ProgressFormat = "auto",
    *,
    trust_graphs: TrustGraphs = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Give the probability of every label.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict with BUNDLE for files, folders, tables or standard input.

    Tables are CSV, TSV, JSON Lines or Parquet; standard input, named -, is JSON Lines.
    """
    from headstart.data import read_items
    from headstart.data.own_columns import one_table
    from headstart.data.readers.excel import with_sheet
    from headstart.packaging import load_bundle
    from headstart.packaging.answer_table import N_TOP, AnswerTable, check_output, write_answers

    if out is not None:
        check_output(out)
        if any(one != "-" and Path(one).resolve() == Path(out).resolve() for one in inputs):
            raise OptionError(f"--out {out} is also what is to be predicted. Name another file.")
    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    _check_options(model, bundle, input, has_probabilities=probabilities)
    share = parse_share(max_unreadable)
    inputs = inputs if sheet is None else [with_sheet(one, sheet) for one in inputs]
    try:
        items = read_items(
            inputs,
            modality=model.reads,
            input=input,
            learnt=model.input_column,
            images=images,
            max_unreadable=share,
        )
    except MissingColumnError as error:
        if len(model.fields) > 1:
            raise
        raise MissingColumnError(f"{error} Or name it with --input COLUMN.") from error
    answers = _answers(model, items, len(model.labels) if probabilities else top or N_TOP, progress)
    _report_unreadable(answers, items, share, model.unfamiliar(items.items))
    source = None if out is None else one_table(inputs, input or model.input_column or None, model.reads)
    answers, own_ids = _in_order(answers, items, source)
    table = AnswerTable(
        answers=answers,
        own=own_ids,
        labels=model.labels,
        task=model.task_spec,
        top=top if top is None else min(top, len(model.labels)),
        has_probabilities=probabilities,
    )
    if out is not None:
        write_answers(out, table if source is None else _with_columns(table, source, out))
        say(f"{len(answers)} answers written to {out}")
    if as_json:
        emit(list(table.records()))
    elif out is None:
        _show(table.answers, len(model.labels) if probabilities else top or N_TOP)


def _check_options(model: Bundle, bundle: str, input: str | None, *, has_probabilities: bool) -> None:
    from headstart.packaging.registries.address import shown

    if input is not None and len(model.fields) > 1:
        names = ", ".join(f"'{field.name}'" for field in model.fields)
        raise OptionError(
            f"{shown(bundle)} reads several columns and finds them by their names: {names}. Leave --input out."
        )
    if has_probabilities and not model.task_spec.has_probabilities:
        raise OptionError(f"{shown(bundle)} predicts a number, which has no probabilities. Leave --probabilities out.")


def _answers(model: Bundle, items: Items, top: int, progress: ProgressFormat) -> list[Prediction]:
    from headstart.engines.context import RunContext

    with reporting(progress) as voice:
        context = RunContext.default(progress=voice.reporter)
        return model.predictions(items.items, top=top, names=items.ids, context=context)


def _report_unreadable(
    answers: Sequence[Prediction], items: Items, max_unreadable: float, unfamiliar: Sequence[Notice]
) -> None:
    """Say what cannot be read, whether that was seen before it was decoded or then, and what is unfamiliar; blank items are no fault."""
    bad = UnreadableItems(max_unreadable=max_unreadable, found=list(items.unreadable))
    for place, answer in enumerate(answers):
        if answer.error and place not in items.blank:
            bad.add_error(answer.item, items.items[place], answer.error)
    if all(answer.error for answer in answers):
        raise DataError(next(answer.error for place, answer in enumerate(answers) if place not in items.blank))
    bad.check(len(answers) + len(items.unreadable), "the inputs")
    others = [notice for notice in items.notices if notice.kind != "unreadable"]
    for notice in (*others, *unfamiliar, *filter(None, [bad.notice()])):
        say(f"  - {notice.message}")


def _in_order(
    answers: Sequence[Prediction], items: Items, source: TableSource | None
) -> tuple[list[Prediction], dict[str, list[Any]]]:
    """The answers, those that cannot be given, and the user's ids: rows of a table in their order, of other inputs the unreadable ones last."""
    from headstart.data.own_columns import row_number

    missing = [Prediction(item=name, error=f"'{name}' {reason}.") for name, reason in items.unreadable]
    everything = [*answers, *missing]
    order = list(range(len(everything)))
    if source is not None:
        order.sort(key=lambda place: row_number(everything[place].item))
    own_ids = {name: [*cells, *[None] * len(missing)] for name, cells in items.own_ids.items()}
    return [everything[i] for i in order], {name: [cells[i] for i in order] for name, cells in own_ids.items()}


def _with_columns(table: AnswerTable, source: TableSource, out: Path) -> AnswerTable:
    """Add the user's own columns, but for those of binary cells."""
    from headstart.data.own_columns import own_columns

    own = own_columns(source, [answer.item for answer in table.answers], taken=table.names_in(out))
    return replace(table, own={name: cells for name, cells in own.items() if not any(map(_is_binary, cells))})


def _is_binary(cell: Any) -> bool:
    """Whether it is an image as Parquet holds it, which has no place in a file of text."""
    return isinstance(cell.get("bytes") if isinstance(cell, dict) else cell, bytes)


def _show(answers: Sequence[Prediction], top: int) -> None:
    for answer in answers[:_N_SHOWN]:
        put(f"{answer.item}\t{_words(answer, top)}\n")
    if len(answers) > _N_SHOWN:
        say(f"… and {len(answers) - _N_SHOWN} more; --out FILE or --json gives them all")


def _words(answer: Prediction, top: int) -> str:
    if answer.error:
        return f"not readable: {answer.error}"
    if answer.value is not None:
        return f"{answer.value:.6g}"
    likeliest = ", ".join(f"{label} {probability:.3f}" for label, probability in answer.top[:top])
    if answer.labels is not None:
        return f"[{', '.join(answer.labels)}] {likeliest}"
    is_likeliest = not answer.top or answer.label == answer.top[0][0]
    return likeliest if is_likeliest else f"[{answer.label}] {likeliest}"
