"""Single cells: is one missing, which label, number or moment does it hold."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

_MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "<na>"})


def is_missing(cell: Any) -> bool:
    """Whether a cell holds no value: None, NaN, blank, or a word such as 'NA' or 'null'.

    >>> [is_missing(cell) for cell in (None, float("nan"), "  ", "n/a", "none", 0)]
    [True, True, True, True, False, False]
    """
    if cell is None:
        return True
    if isinstance(cell, str):
        return len(cell) < 10 and cell.strip().casefold() in _MISSING_WORDS
    return isinstance(cell, float) and math.isnan(cell)


def label_of(cell: Any) -> str:
    """Write a cell as the name of a class: one spelling for 1, 1.0 and '1', without spaces around it.

    >>> [label_of(cell) for cell in (1, 1.0, " 1 ", True, "Kiwi ")]
    ['1', '1', '1', 'True', 'Kiwi']
    """
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(unicodedata.normalize("NFC", str(cell)).split())


def number_of(cell: Any) -> float | None:
    """Read a cell as a number; None if it is none. Infinities and NaN are none.

    >>> [number_of(cell) for cell in ("-1.5", 3, "1,5", "many", "inf", True)]
    [-1.5, 3.0, None, None, None, 1.0]
    """
    if isinstance(cell, str) and "_" in cell:
        return None  # float() would take '1_000'
    try:
        number = float(cell)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
