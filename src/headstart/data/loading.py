"""Load: a path or an object in memory becomes a Dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Dataset, FloatArray, IntArray, Notice
from headstart.core.errors import DataError, OptionError
from headstart.core.label_rule import LabelRule
from headstart.core.tasks import get_task
from headstart.core.words import listed_words
from headstart.data.labels import TargetOptions
from headstart.data.leaks import find_leaks
from headstart.data.modalities import get_modality, modality_of_field
from headstart.data.moments import moment_of
from headstart.data.pairs import pair_as_columns
from headstart.data.readers.columns import Table, TableSource, take
from headstart.data.readers.excel import with_sheet
from headstart.data.readers.folder import load_folder
from headstart.data.readers.parts import TableParts, open_folder
from headstart.data.readers.sql import SqlQuery
from headstart.data.readers.tables import named_folder, named_path, open_memory, open_table
from headstart.data.row_order import find_row_order
from headstart.data.rows import Rows
from headstart.data.schema import NO_SPLIT, ColumnSchema, guess_schema
from headstart.data.set_aside import without_constants, without_leaks
from headstart.data.splits import UNLABELED, parse_splits
from headstart.data.targets import parse_targets
from headstart.data.unreadable_cells import settle_unreadable
from headstart.data.unreadable_items import UnreadableItems
from headstart.data.values import is_missing, label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headstart.data.modalities import Modality

_N_LISTED = 100


def load(
    data: Any,
    *,
    input: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    task: str | None = None,
    group: Any = None,
    time: Any = None,
    split: Any = None,
    images: str | Path | None = None,
    keep_case: bool = False,
    missing: str | Sequence[str] | None = None,
    labels: Sequence[str] = (),
    max_unreadable: float = 0.01,
    columns: str | Mapping[str, str] | None = None,
    sql: str | None = None,
    sheet: str | None = None,
) -> Dataset:
    """Read labelled items, guess what is not said, and set aside what cannot be used.

    Parameters
    ----------
    data : path, frame, dict, list or tuple
        A folder with one subfolder a class; a CSV, TSV, JSON Lines, Parquet or Excel file ('prices.xlsx#Sheet'); a frame of pandas, polars or Arrow; a dict of columns;
        a list of dicts; or a pair (items, targets), the items being texts, paths, an array (n, height, width, 3), or a frame or dicts of
        a value a field.
    input, target, group, time : column names
        Override the guess. Several inputs, a list or separated by commas, make rows of fields, each of its modality. Several
        targets, likewise, make a multi-label task. With a pair, `group`, `time` and `split` may be n values instead.
    task : 'binary', 'multiclass', 'multilabel' or 'regression'
    split : column that says 'train', 'validation' or 'test' of each row; 'none' where one that looks so does not
    images : folder in which the files lie that a column names; that of the table if not given
    keep_case : whether labels that differ in letter case alone are two
    missing : words that mean that an item has no label, as a list or separated by commas; '' for blank cells alone. If None, 'nan' is, and
        'NA', 'null' and 'None' are where all other labels are numbers or true and false
    labels : of a model that the data is for, in its order: labels that it does not know come behind them, and one class is enough
    max_unreadable : fraction of the items that may be set aside because they cannot be read
    columns : what columns of a table hold, as 'age:number,zip:category,note:text,key:ignore' or a dict; where no input is given, all that
        can be used are read then, as they are with `input='all'`, and of a table that has neither texts nor images
    sql : a query of a database, of which `data` is the URL, or the path of a SQLite file
    sheet : of the spreadsheet that `data` names; needed where several hold something

    Raises
    ------
    DataError
        The data is not as it must be: the message names the file and row, and what to do.
    OptionError
        A column or task of the given name does not exist.

    Examples
    --------
    >>> dataset = load({"text": ["where is it?", "refund!", "late", "money back"] * 5, "label": ["post", "pay"] * 10})
    >>> len(dataset), dataset.task, dataset.labels
    (20, 'binary', ('pay', 'post'))
    """
    bad = UnreadableItems(max_unreadable=max_unreadable)
    rule = LabelRule(keep_case=keep_case, missing=None if missing is None else listed_words(missing))
    wanted = TargetOptions(task=task, rule=rule, known=tuple(labels))
    options = {
        "input": input,
        "target": target,
        "group": group,
        "time": time,
        "split": split,
        "images": images,
        "columns": columns,
    }
    if sheet is not None:
        data = with_sheet(data, sheet)
    if sql is not None:
        return _load_table(SqlQuery(data, sql), bad, wanted, options)
    if isinstance(data, str | Path):
        path = named_path(data)
        known = (*listed_words(input), *listed_words(target)) if input and target else ()
        table = open_folder(path, known_columns=known) if path.is_dir() else open_table(path, known_columns=known)
        if table is None:
            _refuse_for_folders(path, options, task)
            return load_folder(path, bad, group=group, wanted=wanted)
        return _load_table(table, bad, wanted, options)
    if isinstance(data, tuple):
        data, options = pair_as_columns(data, options)
    return _load_table(open_memory(data), bad, wanted, options)


def _refuse_for_folders(path: Path, options: Mapping[str, Any], task: str | None) -> None:
    named = next((part for part in ("input", "target", "time", "split", "images", "columns") if options[part]), None)
    if named:
        raise OptionError(f"'{path}' is a folder and has no column for --{named}; its subfolders are the classes.")
    if task is not None and not get_task(task).is_single_label:
        raise OptionError(f"'{path}' is a folder of classes; --task {task} needs a table, such as a CSV of paths.")


def _load_table(
    source: TableSource, bad: UnreadableItems, wanted: TargetOptions, options: Mapping[str, Any]
) -> Dataset:
    sample = source.sample()
    images = options.get("images")
    folder = source.folder if images is None else named_folder(images)
    parts = {part: options.get(part) for part in ("input", "target", "group", "time", "split", "columns")}
    shown = source.shown if isinstance(source, TableParts) else source.name
    schema = guess_schema(sample, shown, folder, **parts)
    if images is not None and not any(get_modality(field.modality).strings_name_files for field in schema.inputs):
        raise DataError(
            f"the column '{schema.columns['input']}' of '{source.name}' names no files in '{images}'. Name another folder with --images, or the "
            "column of the files with --input."
        )
    schema, leaks = without_leaks(schema, sample)
    inputs = [field.name for field in schema.inputs]
    both = next((name for name in inputs if name in schema.targets), None)
    if both is not None:
        raise OptionError(f"column '{both}' is both input and target. Choose another with --input or --target.")
    if isinstance(source, TableParts):
        source.check_has(inputs, schema.targets)
    columns = dict.fromkeys([*inputs, *schema.targets, schema.group, schema.time, schema.split])
    packers = {field.name: modality_of_field(field).packer for field in schema.inputs}
    table = source.read([name for name in columns if name], bad, packers=packers)
    texts = [field.name for field in schema.inputs if field.modality == "text"]
    schema = without_constants(schema, table)
    if options.get("split") == NO_SPLIT and schema.split is None:
        table = replace(table, parts=None)
    dataset = _dataset(source, schema, table, bad, wanted)
    known = [*schema.columns.values(), *inputs, *schema.targets, *(name for one in leaks for name in one.where)]
    leaks += find_leaks(sample, schema.targets[0], dataset.task_spec, texts=texts, skip=known)
    return replace(dataset, notices=(*leaks, *dataset.notices, *find_row_order(dataset)))


def _dataset(
    source: TableSource, schema: ColumnSchema, table: Table, bad: UnreadableItems, wanted: TargetOptions
) -> Dataset:
    ids = table.ids_in(source.name)
    modality, names = schema.reads, [field.name for field in schema.inputs]
    columns, said = settle_unreadable({name: table.columns[name] for name in names}, schema.inputs, ids)
    cells = columns[names[0]] if len(names) == 1 else Rows(columns)
    items, usable, noticed = _usable(modality, cells, schema.folder, ids, bad)
    times = _times(schema, table, ids, usable, bad)
    bad.check(table.n_rows, f"'{source.name}'")
    kept = np.flatnonzero(usable)
    if not len(kept):
        raise DataError(
            f"'{source.name}' has no row with {modality.one} in column '{schema.columns['input']}'. Choose with --input."
        )
    kept_ids = take(ids, kept)
    parts = _parts(schema, table, kept, kept_ids)
    columns = {name: _with_labels(take(table.columns[name], kept), parts) for name in schema.targets}
    targets = parse_targets(columns, kept_ids, wanted, have_types=source.have_types)
    index = kept[targets.labelled]
    return Dataset(
        name=source.name,
        modality=schema.modality,
        task=targets.task,
        items=take(items, index),
        ids=take(ids, index),
        targets=targets.matrix,
        labels=targets.labels,
        label_rule=targets.rule,
        groups=_groups(schema, table, index),
        times=None if times is None else times[index],
        splits=None if parts is None else parts[targets.labelled],
        unlabelled=take(items, kept[targets.unlabelled]),
        columns=schema.columns,
        fields=schema.inputs,
        unreadable=tuple(bad.found),
        notices=(
            *source.notices,
            *schema.notices,
            *_untrained(schema, parts),
            *targets.notices,
            *noticed,
            *said,
            *filter(None, [bad.notice()]),
        ),
    )


def _usable(
    modality: Modality, cells: Sequence[Any], folder: Path | None, ids: Sequence[str], bad: UnreadableItems
) -> tuple[Sequence[Any], np.ndarray[Any, np.dtype[np.bool_]], tuple[Notice, ...]]:
    """Give the values of the input, which of them are usable, and a notice of the blank ones."""
    cleaned = modality.clean(cells, folder)
    for place, reason in cleaned.wrong.items():
        bad.add(ids[place], reason)
    usable = np.ones(len(ids), dtype=bool)
    usable[list(cleaned.wrong)] = False
    blank = [place for place in modality.blanks(cleaned.items) if usable[place]]
    usable[blank] = False
    if not blank:
        return cleaned.items, usable, cleaned.notices
    where = tuple(ids[place] for place in blank[:_N_LISTED])
    noun = modality.singular if len(blank) == 1 else modality.plural
    message = f"{len(blank)} blank {noun} left out, the first {where[0]}."
    return cleaned.items, usable, (*cleaned.notices, Notice(kind="blank", message=message, where=where))


def _times(
    schema: ColumnSchema, table: Table, ids: Sequence[str], usable: np.ndarray[Any, Any], bad: UnreadableItems
) -> FloatArray | None:
    """Read the time column; rows without a time are set aside."""
    if schema.time is None:
        return None
    cells = table.columns[schema.time]
    moments = [moment_of(cell) for cell in cells]
    for place, moment in enumerate(moments):
        if moment is None and usable[place]:
            usable[place] = False
            bad.add(
                ids[place],
                f"has '{str(cells[place])[:30]}' in column '{schema.time}'; write it as 2026-01-31 or a number",
            )
    return np.array([np.nan if moment is None else moment for moment in moments], dtype=np.float64)


def _groups(schema: ColumnSchema, table: Table, index: IntArray) -> IntArray | None:
    """Number the groups in order of appearance; a row without one is a group of its own."""
    if schema.group is None:
        return None
    cells = table.columns[schema.group]
    numbers: dict[Any, int] = {}
    keys = ((place,) if is_missing(cells[place]) else label_of(cells[place]) for place in index)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _parts(schema: ColumnSchema, table: Table, kept: IntArray, ids: Sequence[str]) -> NDArray[np.str_] | None:
    """Read the part of each row that is kept, shape (m,): by the column that says it, else by its file."""
    by_file = None if table.parts is None else np.array(table.parts, dtype="<U10")[kept]
    if schema.split is None:
        return by_file
    cells = take(table.columns[schema.split], kept)
    parts = parse_splits(cells, ids, schema.split)
    return parts if by_file is None else np.where([is_missing(cell) for cell in cells], by_file, parts)


def _with_labels(cells: Sequence[Any], parts: NDArray[np.str_] | None) -> Sequence[Any]:
    """The cells of a target, blank in the rows that the user calls unlabeled."""
    if parts is None or not (parts == UNLABELED).any():
        return cells
    return [None if part == UNLABELED else cell for cell, part in zip(cells, parts, strict=True)]


def _untrained(schema: ColumnSchema, parts: NDArray[np.str_] | None) -> tuple[Notice, ...]:
    """Say that a division is of no use for a fit, where no row is for training."""
    if parts is None or not len(parts) or (parts == "train").any():
        return ()
    by = f"column '{schema.split}'" if schema.split else "the names of the files"
    return (Notice(kind="guess", message=f"no row is for training by {by}: a fit leaves that aside."),)
