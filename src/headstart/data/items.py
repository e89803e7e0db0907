"""Items without labels, for prediction: files, folders, tables, and JSON Lines from a pipe."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError, NothingReadableError
from headstart.data.field_columns import cells_of, columns_of, packers_of
from headstart.data.given import given_items, is_table
from headstart.data.ids import id_columns
from headstart.data.item_parts import ItemPart, WantedColumn, cell_of, join_parts, keys_of, noticed, unread, unread_keys
from headstart.data.litter import files_below
from headstart.data.modalities import Modality, Row, get_modality, item_modalities, modality_of_file
from headstart.data.payloads import known_keys
from headstart.data.readers.columns import RowIds, take
from headstart.data.readers.parts import TableParts, open_folder
from headstart.data.readers.records import read_json_lines
from headstart.data.readers.tables import is_table_file, named_folder, named_path, open_memory, open_table
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.data.readers.columns import TableSource

STDIN = "-"
_N_LISTED = 100
_ABOUT = ("README", "LICENSE", "LICENCE")  # files beside tables that say something of them


@dataclass(frozen=True, kw_only=True)
class Items:
    """What is to be predicted.

    Attributes
    ----------
    items : n texts, images as paths, bytes or arrays, or rows of these
    ids : n names for people
    blank : the places of items that hold nothing: they keep their places, and have no answer
    own_ids : the columns of ids that tables have, by name; None for items without
    notices : the files that could not be used and the blank items, by name
    unreadable : (id, reason) of what was set aside
    """

    items: Sequence[Any]
    ids: Sequence[str]
    modality: str
    blank: frozenset[int] = frozenset()
    own_ids: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.items)


def read_items(
    inputs: Any,
    *,
    modality: str | Modality,
    input: str | None = None,
    learnt: str | None = None,
    images: str | Path | None = None,
    max_unreadable: float = 0.01,
    stdin: TextIO | None = None,
) -> Items:
    """Read inputs to predict.

    Parameters
    ----------
    inputs : path, '-', a list of these, a frame, a dict of columns, texts, an array of images, or dicts with a value a field
        A path names a file of the modality, a folder of them (searched through), or a table. '-' reads JSON Lines from
        `stdin`. A list of strings that name no files is taken as texts by a model of texts.
    modality : what the model takes, or the name of it; rows (`data.modalities.Row`) come in tables, JSON Lines and dicts alone
    input : column of tables and key of JSON Lines that the user names. The fields of rows have names of their own
    learnt : the column that a model learnt from, '' where that had no name; without it, or another that is alone, a table is refused. If
        None, there is no model, and the column is guessed
    images : folder in which the files lie that a table names; that of the table if not given
    max_unreadable : fraction of the files that may be set aside; a file that is named alone may not

    Raises
    ------
    DataError
        Nothing is there, or it is not of the modality; the message names the file.
    OptionError
        There is no such modality.
    """
    wanted = get_modality(modality) if isinstance(modality, str) else modality
    bad, column = UnreadableItems(max_unreadable=max_unreadable), WantedColumn(input, learnt)
    named = [inputs] if isinstance(inputs, str | Path) else inputs
    are_paths = _are_paths(named, wanted)
    if are_paths:
        if not named:
            raise DataError("no input was named. Name files, folders or a table, or '-' for JSON Lines.")
        folder, are_many = None if images is None else named_folder(images), len(named) > 1
        parts = [_read_path(one, wanted, column, bad, stdin, images=folder, are_many=are_many) for one in named]
    else:
        parts = [_read_memory(named, wanted, column, bad)]
    items, ids, own_ids, said = parts[0] if len(parts) == 1 else join_parts(parts, wanted)
    bad.check(len(items) + len(bad), f"'{named[0]}'" if len(parts) == 1 and are_paths else "the inputs")
    if not len(items) and bad.found:
        name, reason = bad.found[0]
        raise NothingReadableError(f"none of the {len(bad)} items can be used: '{name}' {reason}.", len(bad))
    if not len(items):
        raise DataError(f"the inputs hold no {wanted.singular}. Name files, folders or a table with {wanted.plural}.")
    blank = wanted.blanks(items)
    if len(blank) == len(items):
        message = f"every {wanted.singular} is blank, the first {ids[0]}. Name data in which that column is filled."
        raise NothingReadableError(message, len(items))
    notices = (*said, *filter(None, [bad.notice(), _blank_notice(blank, ids, wanted)]))
    return Items(
        items=items,
        ids=ids,
        modality=wanted.name,
        blank=frozenset(blank),
        own_ids=own_ids,
        notices=notices,
        unreadable=tuple(bad.found),
    )


def _blank_notice(blank: Sequence[int], ids: Sequence[str], modality: Modality) -> Notice | None:
    if not blank:
        return None
    said = f"1 {modality.singular} is" if len(blank) == 1 else f"{len(blank)} {modality.plural} are"
    where = tuple(ids[place] for place in blank[:_N_LISTED])
    return Notice(kind="blank", message=f"{said} blank, the first {where[0]}.", where=where)


def _are_paths(named: Any, modality: Modality) -> bool:
    """Whether these are names of files: strings that need not be names are values unless each names a file."""
    if not isinstance(named, list | tuple) or not all(isinstance(one, str | Path) for one in named):
        return False
    if modality.strings_name_files or len(named) <= 1 or any(isinstance(one, Path) for one in named):
        return True
    return all(one == STDIN or _exists(str(one)) for one in named[:100])


def _exists(name: str) -> bool:
    return len(name) < 4_096 and "\0" not in name and os.path.exists(name)  # noqa: PTH110  a long text is no Path


def _read_path(
    one: str | Path,
    modality: Modality,
    column: WantedColumn,
    bad: UnreadableItems,
    stdin: TextIO | None,
    *,
    images: Path | None,
    are_many: bool,
) -> ItemPart:
    if one == STDIN:
        return _read_stream(stdin or sys.stdin, modality, column, bad)
    if not modality.strings_name_files and not _exists(str(one)) and " " in str(one):
        raise DataError(
            f"'{str(one)[:60]}' is no file. To predict {modality.one}, give it on standard input as JSON Lines: "
            f'echo \'{{"{modality.column_names[0]}": "…"}}\' | headstart predict BUNDLE -'
        )
    path = named_path(one)
    tables = tables_of(path, modality, column.known) if path.is_dir() else None
    if tables is not None:
        return _read_table(tables, modality, column, bad, images=images)
    if isinstance(modality, Row) and not is_table_file(path):
        kind = "folder" if path.is_dir() else "file"
        raise DataError(f"'{path}' is a {kind} that holds no rows. Name a table with columns {modality.said}.")
    if path.is_dir():
        return _read_folder(path, modality, bad)
    if is_table_file(path):
        table = open_table(path, known_columns=known_keys(modality, column.known))
        return _read_table(table, modality, column, bad, images=images)
    _check_kind(path, modality)
    return _read_files([path], modality, bad) if are_many else ItemPart([modality.read_file(path)], [str(path)])


def tables_of(folder: Path, modality: Modality | None, column: str | None = None) -> TableSource | None:
    """Open the tables of a folder that holds no files of the modality, or of any; None where it holds some, or no tables.

    Raises
    ------
    DataError
        It holds several tables, and nothing says which is meant.
    """
    named = (path for path in files_below(folder) if not path.name.upper().startswith(_ABOUT))
    kinds = {modality_of_file(path) for path in named} - {None}
    if kinds and (modality is None or modality in kinds):
        return None
    return open_folder(folder, known_columns=[column] if column else ())


def _check_kind(path: Path, modality: Modality) -> None:
    """Refuse a file that is of another modality by its name."""
    suffix = path.suffix.lower()
    other = next((one for one in item_modalities() if suffix in one.suffixes), None)
    if other is not None and suffix not in modality.suffixes:
        raise DataError(
            f"'{path}' is {other.one}, but this model takes {modality.plural}. "
            f"Name {modality.file_noun} or a table with {modality.plural}."
        )


def _read_folder(folder: Path, modality: Modality, bad: UnreadableItems) -> ItemPart:
    paths = sorted(path for path in files_below(folder) if modality_of_file(path) is modality)
    if not paths:
        raise DataError(f"'{folder}' holds no {modality.file_noun}. Name another folder.")
    return _read_files(paths, modality, bad)


def _read_files(paths: Sequence[Path], modality: Modality, bad: UnreadableItems) -> ItemPart:
    items: list[Any] = []
    ids: list[str] = []
    for path in paths:
        try:
            items.append(modality.read_file(path))
            ids.append(str(path))
        except DataError as error:
            bad.add(str(path), str(error).removeprefix(f"'{path}' "))
    return ItemPart(items, ids)


def _read_table(
    source: TableSource, modality: Modality, column: WantedColumn, bad: UnreadableItems, *, images: Path | None = None
) -> ItemPart:
    names = columns_of(source, modality, column.named, column.learnt)
    if isinstance(source, TableParts):
        source.check_has(list(names.values()), ())
    own = id_columns(source.names, names.values())
    table = source.read([*names.values(), *own], bad, packers=packers_of(names, modality))
    own_ids = {name: table.columns[name] for name in own}
    said = noticed(names.get(""), source.names, modality, column, f"'{source.name}'")
    said += unread(source.names, names.values(), modality)
    part = ItemPart(cells_of(table, names, modality), table.ids_in(source.name), own_ids, said)
    return _usable(modality, part, images or source.folder, bad)


def _read_stream(file: TextIO, modality: Modality, column: WantedColumn, bad: UnreadableItems) -> ItemPart:
    """JSON Lines from a pipe; every line must be usable, for the answers come back line by line."""
    unreadable = UnreadableItems(max_unreadable=0.0)
    rows: list[int] = []
    cells: list[Any] = []
    records: list[dict[str, Any]] = []
    for number, record in read_json_lines(file, "stdin", unreadable):
        rows.append(number)
        records.append(record)
        cells.append(cell_of(record, f"stdin row {number}", modality, column))
    if unreadable:
        raise DataError(f"{unreadable.found[0][0]} {unreadable.found[0][1]}.")
    if not rows:
        keys = ", ".join(f'"{key}": "…"' for key in keys_of(modality, column))
        raise DataError(f"stdin is empty; a JSON object a line was expected, such as {{{keys}}}.")
    own = id_columns(list(records[0]), [column.known or "", *modality.column_names])
    own_ids = {name: [record.get(name) for record in records] for name in own}
    taken = next((str(key) for key, value in records[0].items() if value is cells[0]), None)
    said = noticed(taken, list(map(str, records[0])), modality, column, "stdin")
    said += unread_keys(records, modality)
    return _usable(modality, ItemPart(modality.pack(cells), RowIds("stdin", rows), own_ids, said), None, bad)


def _read_memory(data: Any, modality: Modality, column: WantedColumn, bad: UnreadableItems) -> ItemPart:
    if is_table(data):
        return _read_table(open_memory(data), modality, column, bad)
    if isinstance(data, bytes) or not hasattr(data, "__len__"):
        data = [data]
    if hasattr(data, "ndim") and data.ndim == 3 and modality.is_array:
        data = data[None]  # one value
    ids = [f"item {place + 1}" for place in range(len(data))]
    cells = list(given_items(data, modality, column.known or ""))
    broken = next((cell for cell in cells if isinstance(cell, DataError)), None)
    if broken is not None:
        raise broken
    wrong = modality.misfit(cells)
    if wrong is not None:
        raise DataError(
            f"item {wrong + 1} is a {type(cells[wrong]).__name__}, but this model takes {modality.plural}. "
            f"Give {modality.python_values}."
        )
    said = unread_keys(data, modality)
    return _usable(modality, ItemPart(cells, ids, notices=said), None, bad)


def _usable(modality: Modality, part: ItemPart, folder: Path | None, bad: UnreadableItems) -> ItemPart:
    """Clean the cells, and leave out what is wrong."""
    cleaned = modality.clean(part.items, folder)
    for place, reason in cleaned.wrong.items():
        bad.add(part.ids[place], reason)
    if not cleaned.wrong:
        return part._replace(items=cleaned.items)
    kept = np.array([place for place in range(len(part.ids)) if place not in cleaned.wrong], dtype=np.int64)
    own_ids = {name: take(cells, kept) for name, cells in part.own_ids.items()}
    return ItemPart(take(cleaned.items, kept), take(part.ids, kept), own_ids, part.notices)
