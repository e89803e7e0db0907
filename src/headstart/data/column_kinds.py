"""Guess what each column of a table holds: numbers, categories, dates, texts, images, or nothing to learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.column_names import rank
from headstart.data.modalities import get_modality
from headstart.data.table_cells import is_no_number, read_category, read_date
from headstart.data.values import is_missing, number_of
from headstart.data.written_numbers import written_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IGNORED = "ignore"
"""The kind of columns that are not read."""

_ID_NAMES = ("id", "uuid", "guid", "rownames", "rowname", "index", "unnamed", "row")
_CODE_NAMES = (
    "zip",
    "zipcode",
    "postcode",
    "postal",
    "code",
    "icd",
    "sku",
    "class",
    "type",
    "id",
    "cluster",
    "category",
)
_LEADING_ZERO = re.compile(r"0\d+")
_PLAIN = (str, int, float, complex, np.generic, date, Decimal)
_SHARE = 0.9  # of the cells that make a column one of numbers, or of dates
_DIFFERENT = 0.95  # of cells, from which on strings name their rows
_MIN_CELLS = 8  # below, nothing is called an identifier
_WORDS = 4.0  # a cell of as many, on average, is prose
_SOME_WORDS = 2.5  # the same where nearly all cells differ
_FEW = 20  # different cells: even long ones are rather names of categories
_MOST_CODES = 1_000


@dataclass(frozen=True)
class ColumnKind:
    """What a column holds.

    Attributes
    ----------
    kind : name of a modality, or 'ignore'
    why : for what reason a column is ignored: 'one value', 'identifier'; or what may be otherwise
    """

    kind: str
    why: str = ""


def kind_of(cells: Sequence[Any], name: str = "", folder: Path | None = None) -> ColumnKind:
    """Guess the kind of a column from a sample of its cells, in the order of the rows.

    >>> [kind_of(cells).kind for cells in ([1.5, 2.0, None], ["red", "blue", "red"], ["2026-01-31", "2026-02-01"], [7, 7, 7])]
    ['number', 'category', 'date', 'ignore']
    >>> kind_of(["02134", "10001"], "zip").kind, kind_of([f"T-{i}x" for i in range(20)]).why
    ('category', 'identifier')
    """
    present = [cell for cell in cells if not is_no_number(cell)]
    if not present:
        return ColumnKind(IGNORED, "empty")
    if not all(isinstance(cell, _PLAIN) for cell in present):
        is_image = get_modality("image").recognises(present, folder)
        return ColumnKind("image") if is_image else ColumnKind(IGNORED, "lists or objects")
    named = {read_category(cell) for cell in present}
    if len(named) == 1 and len(present) == len(cells):
        return ColumnKind(IGNORED, "one value")
    return _of_values(present, len(cells), len(named), name, folder)


def _of_values(present: Sequence[Any], n_cells: int, n_named: int, name: str, folder: Path | None) -> ColumnKind:
    if all(isinstance(cell, bool | np.bool_) for cell in present):
        return ColumnKind("category")
    if _are_dates(present):
        return ColumnKind("date")
    is_named = all(isinstance(cell, str) and number_of(cell) is None for cell in present)
    if is_named and get_modality("image").recognises(present, folder):
        return ColumnKind("image")
    if written_numbers(present) is not None:
        return _of_numbers(present, n_cells, n_named, name)
    return _of_strings([str(cell) for cell in present], n_named, name)


def is_prose(cells: Sequence[Any]) -> bool:
    """Whether cells are sentences, or nearly all different and of several words."""
    present = [str(cell) for cell in cells if not is_missing(cell)]
    n_named = len(set(present))
    if n_named <= max(2, min(_FEW, len(present) // 10)):
        return False
    words = sum(len(cell.split()) for cell in present) / len(present)
    return words >= _WORDS or (words >= _SOME_WORDS and n_named >= _DIFFERENT * len(present))


def _are_dates(present: Sequence[Any]) -> bool:
    if all(isinstance(cell, date | datetime | np.datetime64) for cell in present):
        return True
    some = [cell for cell in present[:200] if isinstance(cell, str) and number_of(cell) is None]
    if len(some) < _SHARE * len(present[:200]):
        return False
    return sum(read_date(cell) is not None for cell in some) >= _SHARE * len(some)


def _of_numbers(present: Sequence[Any], n_cells: int, n_named: int, name: str) -> ColumnKind:
    if any(isinstance(cell, str) and _LEADING_ZERO.fullmatch(cell.strip()) for cell in present):
        is_id = n_named >= _DIFFERENT * n_cells and n_cells >= _MIN_CELLS
        return ColumnKind(IGNORED, "identifier") if is_id else ColumnKind("category", "leading zeros")
    numbers = [number for cell in present if (number := number_of(cell)) is not None]
    if not numbers or not all(number.is_integer() for number in numbers):
        return ColumnKind("number")
    return _of_whole_numbers(numbers, n_cells, n_named, name)


def _of_whole_numbers(numbers: Sequence[float], n_cells: int, n_named: int, name: str) -> ColumnKind:
    is_id = rank(name, _ID_NAMES) < len(_ID_NAMES) or not name.strip()
    if len(set(numbers)) == n_cells >= _MIN_CELLS and (is_id or _counts_rows(numbers)):
        return ColumnKind(IGNORED, "identifier")
    if rank(name, _ID_NAMES[:3]) < 3 and n_named > max(_FEW, n_cells // 10):
        return ColumnKind(IGNORED, "identifier that comes back")
    if rank(name, _CODE_NAMES) < len(_CODE_NAMES) and n_named <= min(_MOST_CODES, max(2, n_cells // 2)):
        return ColumnKind("category", "codes")
    least, most = min(numbers), max(numbers)
    may_be_codes = 3 <= n_named <= 10 and least in (0, 1) and most - least + 1 == n_named
    return ColumnKind("number", "may be codes" if may_be_codes else "")


def _counts_rows(numbers: Sequence[float]) -> bool:
    """Whether numbers rise by the same step from row to row, as row numbers do, also in a sample of every k-th row."""
    steps = {after - before for before, after in pairwise(numbers)}
    return len(steps) == 1 and next(iter(steps)) >= 1


def _of_strings(present: Sequence[str], n_named: int, name: str) -> ColumnKind:
    if is_prose(present):
        return ColumnKind("text")
    if len(present) >= _MIN_CELLS and n_named >= _DIFFERENT * len(present):
        known_text = rank(name, get_modality("text").column_names) < len(get_modality("text").column_names)
        return ColumnKind("text") if known_text else ColumnKind(IGNORED, "identifier")
    is_id = rank(name, _ID_NAMES[:3]) < 3 and n_named > max(_FEW, len(present) // 10)
    return ColumnKind(IGNORED, "identifier that comes back") if is_id else ColumnKind("category")
