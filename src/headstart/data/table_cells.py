"""Cells of tables: one number, category or date, as files, frames and JSON have it."""

from __future__ import annotations

import math
import numbers
import re
import uuid
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.moments import moment_of
from headstart.data.values import is_missing, is_null, label_of, number_of

if TYPE_CHECKING:
    from headstart.data.written_numbers import WrittenNumbers

_NO_VALUE = frozenset({"?", "#n/a", "#na"})
_NO_NUMBER = _NO_VALUE | {"-", "--", ".", "none", "missing", "#div/0!", "#value!", "#num!", "#null!", "#ref!"}
_TRUTH = {"true": "True", "false": "False"}
_SHOWN = 40
_FIRST_YEAR = 69  # of two figures that belong to the last century, as POSIX has it

FIGURES = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
"""Dates of which figures alone do not tell whether the day or the month comes first."""


def is_no_number(cell: Any) -> bool:
    """Whether a cell of a column of numbers or dates says that there is none.

    >>> [is_no_number(cell) for cell in ("", "?", None, "NA", "-", "0", "many")]
    [True, True, True, True, True, False, False]
    """
    return is_missing(cell) or (isinstance(cell, str) and cell.strip().casefold() in _NO_NUMBER)


def read_number(cell: Any, written: WrittenNumbers | None = None) -> float | None:
    """Read a number; NaN where there is none, and None where the cell holds something else, an infinity among that.

    Parameters
    ----------
    written : how the numbers of its column are written, if not as in Python

    >>> [read_number(cell) for cell in ("1.5", True, "?", "many", "inf", float("inf"))]
    [1.5, 1.0, nan, None, None, None]
    """
    if is_no_number(cell):
        return math.nan
    if isinstance(cell, list | tuple | dict | bytes | datetime | date):
        return None
    return number_of(cell) if written is None else written.read(cell)


_SINGLE = (numbers.Number, np.generic, date, time, uuid.UUID)  # what one cell may hold beside a string


def read_category(cell: Any) -> str | None:
    """Read the name of a category; '' where there is none, and None where the cell is no single value.

    Whole numbers have no fraction, and true and false are written alike in every kind of file.

    >>> [read_category(cell) for cell in (" red ", 1.0, True, "TRUE", None, "?", ["red"])]
    ['red', '1', 'True', 'True', '', '', None]
    """
    if isinstance(cell, str):
        name = "" if is_missing(cell) else label_of(cell)
        return "" if name.casefold() in _NO_VALUE else _TRUTH.get(name.casefold(), name)
    if is_null(cell):
        return ""
    return label_of(cell) if isinstance(cell, _SINGLE) else None


def read_date(cell: Any, order: str = "") -> float | None:
    """Read a date or time as seconds since 1970 UTC; NaN where there is none, and None where the cell holds something else.

    A number is taken as such seconds; eight figures in a text are year, month and day.

    Parameters
    ----------
    order : 'dmy' or 'mdy', of dates in figures such as 31/12/2026; '' where there are none

    >>> read_date("31.12.1970", "dmy"), read_date("12/31/70 06:00", "mdy"), read_date("31/12/1970", "mdy"), read_date("1/2/1970")
    (31449600.0, 31471200.0, None, None)
    >>> [read_date(cell) for cell in ("1970-01-02", "19700102", 86400, "", "soon")]
    [86400.0, 86400.0, 86400.0, nan, None]
    """
    if is_no_number(cell):
        return math.nan
    if isinstance(cell, bool | list | tuple | dict | bytes):
        return None
    if order and isinstance(cell, str) and (match := FIGURES.fullmatch(cell.strip())):
        return _from_figures(match, order)
    if isinstance(cell, str) and len(cell) == 8 and cell.isdigit():
        return moment_of(f"{cell[:4]}-{cell[4:6]}-{cell[6:]}")
    if isinstance(cell, np.datetime64):
        return float(cell.astype("datetime64[us]").astype(np.int64)) / 1e6
    return moment_of(cell)


def _from_figures(match: re.Match[str], order: str) -> float | None:
    day, month = (match[1], match[2]) if order == "dmy" else (match[2], match[1])
    year = int(match[3]) + (0 if len(match[3]) == 4 else 1900 if int(match[3]) >= _FIRST_YEAR else 2000)
    hour, minute, second = (int(part or 0) for part in match.groups()[3:])
    try:
        return datetime(year, int(month), int(day), hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def shown_cell(cell: Any) -> str:
    """A cell for a message, cut short: 'many'.

    >>> shown_cell("many  apples")
    "'many apples'"
    """
    return f"'{' '.join(str(cell).split())[:_SHOWN]}'"
