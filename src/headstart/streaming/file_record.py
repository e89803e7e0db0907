"""A record of a file: a line, or a row of a table, with where it stands."""

from __future__ import annotations

import csv
import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.errors import DataError
from headstart.data.modalities import item_modalities
from headstart.data.schema import looks_like_data
from headstart.data.shown_names import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_LOGGER = logging.getLogger("headstart.streaming.file")
_USUAL = {name for one in item_modalities() for name in one.column_names}


@dataclass(frozen=True)
class FileRecord:
    """One record.

    Attributes
    ----------
    inode, start, end, line : which file, from which byte to which, and the number of its first line
    raw : its bytes, without the line feed
    fields : of a row of a table; None of a line of JSON
    error : why it cannot be read; empty if it can
    """

    inode: int
    start: int
    end: int
    line: int
    raw: bytes
    fields: Mapping[str, str] | None = None
    error: str = ""


def texts_of(raw: bytes | bytearray) -> list[str]:
    """Lines with their ends."""
    return raw.decode("utf-8", "replace").splitlines(keepends=True)


def cells_of(text: str, separator: str) -> list[str]:
    """Cells of one row; none of no text."""
    rows: Iterator[list[str]] = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return next(rows, [])


def check_names(names: Sequence[str], path: Path) -> None:
    """Say it where the first line of a table may be a record, which would be lost: who reads it does not know the model's columns.

    Raises
    ------
    DataError
        Two columns have one name.
    """
    is_data = looks_like_data(names, [])
    if is_data or (len(names) == 1 and names[0].strip().lower() not in _USUAL):
        _LOGGER.warning(
            "the first line of %s is read as the name%s ('%s'); if it is data, write a header above it",
            path,
            " of its one column" if len(names) == 1 else "s of its columns",
            visible(", ".join(names)[:60]),
        )
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        remedy = "Write a header above its first line, which looks like data." if is_data else "Give one another name."
        raise DataError(f"{path} has two columns named '{double}'. {remedy}")
