"""Recognise what unlabelled inputs hold, where nobody said it: images or texts."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.image import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
from headstart.data.memory import is_frame
from headstart.data.schema import IMAGE_NAMES, guess_input, looks_like_images, modality_of
from headstart.data.tables import TABLE_SUFFIXES, named_path, open_memory, open_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headstart.core.dataset import Modality
    from headstart.data.columns import TableSource

_N_LOOKED_AT = 200
_PICTURES = IMAGE_SUFFIXES | FOREIGN_SUFFIXES


def recognise_path(path: str | Path, *, input: str | None = None) -> Modality:  # noqa: A002
    """Say what a file, a folder or a table holds, by suffixes and by the cells of its input column.

    Raises
    ------
    DataError
        Nothing is there, or it holds both images and `.txt` files, or neither.
    """
    path = named_path(path)
    if path.is_dir():
        return _of_suffixes({file.suffix.lower() for file in path.rglob("*")}, path)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return _of_table(open_table(path, header_is_sure=input is not None), input)
    return _of_suffixes({path.suffix.lower()}, path)


def recognise_items(items: Any, *, input: str | None = None) -> Modality:  # noqa: A002
    """Say what a frame, a dict of columns, or a sequence of items in memory holds."""
    if is_frame(items) or isinstance(items, dict):
        return _of_table(open_memory(items), input)
    return "image" if looks_like_images(list(islice(items, _N_LOOKED_AT))) else "text"


def recognise_json_lines(lines: Iterable[str], *, input: str | None = None) -> Modality:  # noqa: A002
    """Say what JSON Lines hold, by the first of them that can be read."""
    for line in islice(lines, _N_LOOKED_AT):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            return _of_record(record, input)
    return "text"


def _of_record(record: Mapping[str, Any], column: str | None) -> Modality:
    keys = [column] if column in record else [key for key in IMAGE_NAMES if key in record]
    return "image" if any(looks_like_images([record[key]]) for key in keys if key is not None) else "text"


def _of_table(source: TableSource, column: str | None) -> Modality:
    sample = source.sample()
    named: Sequence[str] = [name for name in sample if column and name.casefold() == column.casefold()]
    chosen = named[0] if named else guess_input(sample, list(sample), source.name)
    return modality_of(sample[chosen], source.folder)


def _of_suffixes(suffixes: set[str], path: Path) -> Modality:
    has_images, has_texts = bool(suffixes & _PICTURES), ".txt" in suffixes
    if has_images == has_texts:
        found = "both images and .txt files" if has_images else "neither images nor .txt files"
        raise DataError(f"'{path}' holds {found}. Name another, or say which with --source.")
    return "image" if has_images else "text"
