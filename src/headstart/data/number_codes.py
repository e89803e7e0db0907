"""Numbers that are codes of classes: 0 to k-1, each several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.data.column_names import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_CODES = 1_000
_MIN_ROWS = 2  # of each code
_CLASS_NAMES = (
    "label",
    "labels",
    "class",
    "classes",
    "category",
    "intent",
    "topic",
    "species",
    "tag",
    "product",
    "type",
    "code",
    "id",
    "cluster",
    "zip",
    "zipcode",
    "postcode",
    "icd",
    "sku",
)
_QUANTITY_NAMES = ("age", "price", "score", "rating", "stars", "count", "year", "amount", "number", "value", "quantity", "days", "hours",
    "minutes", "seconds", "duration", "weight", "height", "length", "width", "size", "sales", "revenue", "income", "temperature",
    "percent", "percentage", "cost", "total", "level", "degree", "points", "distance", "time", "n", "num")  # fmt: skip


def are_codes(counts: Mapping[float, int], column: str) -> bool:
    """Whether whole numbers are codes: 0 or 1 to k without a gap, or of a column called like a class, and each comes back.

    Parameters
    ----------
    counts : how often each number is there
    column : its name; numbers of one that is called like a quantity are none

    >>> are_codes({float(code): 3 for code in range(30)}, "y"), are_codes({float(age): 3 for age in range(90)}, "age")
    (True, False)
    """
    if (
        not all(number.is_integer() for number in counts)
        or min(counts.values()) < _MIN_ROWS
        or len(counts) > _MAX_CODES
    ):
        return False
    if rank(column, _QUANTITY_NAMES) < len(_QUANTITY_NAMES):
        return False
    least, most = min(counts), max(counts)
    has_no_gap = least in (0, 1) and most - least + 1 == len(counts)
    return has_no_gap or rank(column, _CLASS_NAMES) < len(_CLASS_NAMES)
