"""Load: a path or an object in memory becomes a Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Dataset, FloatArray, IntArray, Notice
from headstart.core.errors import DataError, OptionError
from headstart.core.tasks import get_task
from headstart.data.leaks import find_leaks
from headstart.data.modalities import all_modalities, get_modality
from headstart.data.readers.columns import RowIds, Table, TableSource, take
from headstart.data.readers.folder import load_folder
from headstart.data.readers.frames import frame_columns, is_frame
from headstart.data.readers.tables import TABLE_SUFFIXES, named_path, open_memory, open_table
from headstart.data.row_order import find_row_order
from headstart.data.rows import Rows
from headstart.data.schema import ColumnSchema, guess_schema
from headstart.data.splits import parse_splits
from headstart.data.targets import parse_targets
from headstart.data.unreadable_items import UnreadableItems
from headstart.data.values import is_missing, label_of, moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    max_unreadable: float = 0.01,
) -> Dataset:
    """Read labelled items, guess what is not said, and set aside what cannot be used.

    Parameters
    ----------
    data : path, frame, dict, list or tuple
        A folder with one subfolder a class; a CSV, TSV, JSON Lines or Parquet file; a pandas frame; a dict of columns;
        a list of dicts; or a pair (items, targets), the items being texts, paths, an array (n, height, width, 3), or a frame or dicts of
        a value a field.
    input, target, group, time : column names
        Override the guess. Several inputs, a list or separated by commas, make rows of fields, each of its modality. Several
        targets, likewise, make a multi-label task. With a pair, `group` and `time` may be n values instead.
    task : 'binary', 'multiclass', 'multilabel' or 'regression'
    max_unreadable : fraction of the items that may be set aside because they cannot be read

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
    options = {"input": input, "target": target, "group": group, "time": time}
    if isinstance(data, str | Path):
        path = named_path(data)
        if path.is_dir():
            inside = _only_table(path)
            if inside is None:
                _refuse_for_folders(path, options, task)
                return load_folder(path, bad, group=group)
            path = inside
        return _load_table(open_table(path, header_is_sure=bool(input and target)), bad, task, options)
    if isinstance(data, tuple):
        return _load_pair(data, bad, task, options)
    return _load_table(open_memory(data), bad, task, options)


def _only_table(folder: Path) -> Path | None:
    """The one table of a folder that has no class folders: a table with its photos beside it, or a demo."""
    tables = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES]
    if len(tables) > 1 and not any(path.is_dir() for path in folder.iterdir()):
        shown = ", ".join(f"'{path.name}'" for path in tables[:3])
        raise DataError(f"'{folder}' holds {len(tables)} tables ({shown}). Name the one to be used.")
    return tables[0] if len(tables) == 1 else None


def _refuse_for_folders(path: Path, options: Mapping[str, Any], task: str | None) -> None:
    named = next((part for part in ("input", "target", "time") if options[part]), None)
    if named:
        raise OptionError(f"'{path}' is a folder and has no column for --{named}; its subfolders are the classes.")
    if task is not None and not get_task(task).is_single_label:
        raise OptionError(f"'{path}' is a folder of classes; --task {task} needs a table, such as a CSV of paths.")


def _load_pair(data: tuple[Any, ...], bad: UnreadableItems, task: str | None, options: Mapping[str, Any]) -> Dataset:
    """Read (items, targets) by giving them column names."""
    if len(data) != 2:
        raise DataError(f"a pair (items, targets) was expected; the tuple has {len(data)} parts.")
    items, targets = data
    columns = _input_columns(items)
    named: dict[str, Any] = {"input": list(columns)}
    labels = {_free(name, columns): cells for name, cells in _target_columns(targets).items()}
    columns |= labels
    columns |= {part: _listed(options[part]) for part in ("group", "time") if options[part] is not None}
    named["target"] = list(labels)
    named |= {part: part for part in ("group", "time") if options[part] is not None}
    return _load_table(open_memory(columns), bad, task, named)


def _input_columns(items: Any) -> dict[str, list[Any]]:
    """The items as one column, or as the columns of a frame, of a dict, or of dicts with a value a field."""
    if is_frame(items):
        return frame_columns(items)
    if isinstance(items, Mapping):
        return {str(name): _listed(cells) for name, cells in items.items()}
    if isinstance(items, list) and items and all(map(is_record, items)):
        return {
            str(name): [item.get(name) for item in items] for name in dict.fromkeys(k for item in items for k in item)
        }
    return {"input": _listed(items)}


def is_record(item: Any) -> bool:
    """Whether a value is a dict of fields, not one that a modality reads as a whole."""
    return isinstance(item, Mapping) and not any(modality.is_value(item) for modality in all_modalities())


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with an underscore behind it where a column has it."""
    return _free(f"{name}_", taken) if name in taken else name


def _target_columns(targets: Any) -> dict[str, list[Any]]:
    array = targets if isinstance(targets, np.ndarray) else None
    if array is not None and array.ndim == 2 and array.shape[1] > 1:
        return {f"label {place}": column.tolist() for place, column in enumerate(array.T)}
    if array is not None and array.ndim > 2:
        raise DataError(f"targets have shape (n,) or (n, k); these have {array.shape}.")
    return {"target": array.ravel().tolist() if array is not None else _listed(targets)}


def _listed(values: Any) -> list[Any]:
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise DataError(f"a list or an array with a value an item was expected; this is a {type(values).__name__}.")
    return list(values) if isinstance(values, np.ndarray) and values.ndim > 1 else [*map(_plain, values)]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _load_table(source: TableSource, bad: UnreadableItems, task: str | None, options: Mapping[str, Any]) -> Dataset:
    sample = source.sample()
    schema = guess_schema(sample, source.name, source.folder, **options)
    inputs = [field.name for field in schema.inputs]
    both = next((name for name in inputs if name in schema.targets), None)
    if both is not None:
        raise OptionError(f"column '{both}' is both input and target. Choose another with --input or --target.")
    wanted = dict.fromkeys([*inputs, *schema.targets, schema.group, schema.time, schema.split])
    texts = [field.name for field in schema.inputs if get_modality(field.modality).packed_as_text]
    table = source.read([name for name in wanted if name], bad, text=texts)
    dataset = _dataset(source, schema, table, bad, task)
    known = [*schema.columns.values(), *inputs, *schema.targets]
    leaks = find_leaks(sample, schema.targets[0], dataset.task_spec, texts=texts, skip=known)
    return replace(dataset, notices=(*dataset.notices, *leaks, *find_row_order(dataset)))


def _dataset(
    source: TableSource, schema: ColumnSchema, table: Table, bad: UnreadableItems, task: str | None
) -> Dataset:
    ids: Sequence[str] = RowIds(source.name, table.rows)
    modality, names = schema.reads, [field.name for field in schema.inputs]
    cells = table.columns[names[0]] if len(names) == 1 else Rows({name: table.columns[name] for name in names})
    items, usable, noticed = _usable(modality, cells, source.folder, ids, bad)
    times = _times(schema, table, ids, usable, bad)
    bad.check(table.n_rows, f"'{source.name}'")
    kept = np.flatnonzero(usable)
    if not len(kept):
        raise DataError(
            f"'{source.name}' has no row with {modality.one} in column '{schema.columns['input']}'. Choose with --input."
        )
    kept_ids = take(ids, kept)
    targets = parse_targets({name: take(table.columns[name], kept) for name in schema.targets}, kept_ids, task)
    index = kept[targets.labelled]
    return Dataset(
        name=source.name,
        modality=schema.modality,
        task=targets.task,
        items=take(items, index),
        ids=take(ids, index),
        targets=targets.matrix,
        labels=targets.labels,
        groups=_groups(schema, table, index),
        times=None if times is None else times[index],
        splits=_splits(schema, table, index, ids),
        unlabelled=take(items, kept[targets.unlabelled]),
        columns=schema.columns,
        fields=schema.inputs,
        notices=(*source.notices, *schema.guesses, *targets.notices, *noticed, *filter(None, [bad.notice()])),
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
        return cleaned.items, usable, ()
    where = tuple(ids[place] for place in blank[:_N_LISTED])
    noun = modality.singular if len(blank) == 1 else modality.plural
    message = f"{len(blank)} blank {noun} left out, the first {where[0]}."
    return cleaned.items, usable, (Notice(kind="blank", message=message, where=where),)


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


def _splits(
    schema: ColumnSchema, table: Table, index: IntArray, ids: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.str_]] | None:
    if schema.split is None:
        return None
    return parse_splits(take(table.columns[schema.split], index), take(ids, index), schema.split)
