"""A record of a file: a line, or a row of a table, with where it stands."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
