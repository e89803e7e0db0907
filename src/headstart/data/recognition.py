"""Recognise what unlabelled inputs hold, where nobody said it."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.input_guess import guess_input, modality_of
from headstart.data.items import tables_of
from headstart.data.litter import files_below
from headstart.data.modalities import item_modalities, modality_of_file
from headstart.data.readers.frames import is_frame
from headstart.data.readers.tables import is_table_file, named_folder, named_path, open_memory, open_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headstart.data.readers.columns import TableSource

_N_LOOKED_AT = 200


def recognise_path(path: str | Path, *, input: str | None = None, images: str | Path | None = None) -> str:
    """Say what a file, a folder or a table holds, by suffixes and by the cells of its input column.

    `images` is the folder of the files that a table names, if not that of the table.

    Raises
    ------
    DataError
        Nothing is there, or it holds files of several modalities, or of none.
    """
    path = named_path(path)
    tables = tables_of(path, None, input) if path.is_dir() else None
    if tables is not None:
        return _of_table(tables, input, path if images is None else named_folder(images))
    if path.is_dir():
        return _of_files(files_below(path), path)
    if is_table_file(path):
        source = open_table(path, known_columns=[input] if input else ())
        return _of_table(source, input, source.folder if images is None else named_folder(images))
    return _of_files([path], path)


def recognise_items(items: Any, *, input: str | None = None) -> str:
    """Say what a frame, a dict of columns, or a sequence of items in memory holds."""
    if is_frame(items) or isinstance(items, dict):
        return _of_table(open_memory(items), input, None)
    return modality_of(list(islice(items, _N_LOOKED_AT)), None)


def recognise_json_lines(lines: Iterable[str], *, input: str | None = None) -> str:
    """Say what JSON Lines hold, by the first of them that can be read."""
    for line in islice(lines, _N_LOOKED_AT):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            return _of_record(record, input)
    return item_modalities()[-1].name


def _of_record(record: Mapping[str, Any], column: str | None) -> str:
    for modality in item_modalities():
        keys = modality.column_names if column is None or column not in record else (column,)
        if any(modality.recognises([record[key]]) for key in keys if key in record):
            return modality.name
    return item_modalities()[-1].name


def _of_table(source: TableSource, column: str | None, folder: Path | None) -> str:
    sample = source.sample()
    named: Sequence[str] = [name for name in sample if column and name.casefold() == column.casefold()]
    chosen = named[0] if named else guess_input(sample, list(sample), source.name, folder=folder)
    return modality_of(sample[chosen], folder)


def _of_files(files: Iterable[Path], path: Path) -> str:
    kinds = {modality.name for file in files if (modality := modality_of_file(file)) is not None}
    held = [modality for modality in item_modalities() if modality.name in kinds]
    if len(held) != 1:
        nouns = [modality.file_noun for modality in held or item_modalities()]
        found = "both " + " and ".join(nouns) if held else "neither " + " nor ".join(nouns)
        raise DataError(f"'{path}' holds {found}. Name another, or say which with --source.")
    return held[0].name
