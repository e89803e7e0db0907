"""Cells of tables: one number, category or date, as files, frames and JSON have it."""

from __future__ import annotations

import math
from datetime import date, datetime
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
    if isinstance(cell, dict | list | tuple | set | bytes | np.ndarray):
        return None
    return label_of(cell)


def read_date(cell: Any) -> float | None:
    """Read a date or time as seconds since 1970 UTC; NaN where there is none, and None where the cell holds something else.

    A number is taken as such seconds; eight figures in a text are year, month and day.

    >>> [read_date(cell) for cell in ("1970-01-02", "19700102", 86400, "", "soon")]
    [86400.0, 86400.0, 86400.0, nan, None]
    """
    if is_no_number(cell):
        return math.nan
    if isinstance(cell, bool | list | tuple | dict | bytes):
        return None
    if isinstance(cell, str) and len(cell) == 8 and cell.isdigit():
        return moment_of(f"{cell[:4]}-{cell[4:6]}-{cell[6:]}")
    if isinstance(cell, np.datetime64):
        return float(cell.astype("datetime64[us]").astype(np.int64)) / 1e6
    return moment_of(cell)


def shown_cell(cell: Any) -> str:
    """A cell for a message, cut short: 'many'.

    >>> shown_cell("many  apples")
    "'many apples'"
    """
    return f"'{' '.join(str(cell).split())[:_SHOWN]}'"
