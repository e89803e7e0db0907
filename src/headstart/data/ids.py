"""Ids: columns that name a row and say nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.column_names import rank
from headstart.data.values import is_missing, number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_ID_NAMES = ("id", "uuid", "guid")
_FILE_NAMES = ("image", "img", "photo", "picture", "file", "filename")
_MIN_CELLS = 8
_MOST_CHARACTERS = 64
_SHARE = 0.95


def id_columns(names: Sequence[str], others: Collection[str] = ()) -> list[str]:
    """Find the columns that are called ids, but for those that are something else; answers carry them.

    >>> id_columns(["Ticket ID", "customerId", "text", "width"], ["text"])
    ['Ticket ID', 'customerId']
    """
    return [name for name in names if name not in others and rank(name, _ID_NAMES) < len(_ID_NAMES)]


def looks_like_ids(cells: Sequence[Any], column: str = "") -> bool:
    """Whether nearly all cells are different single words with a digit in them: 'img_0017', 'a3f9c2', 'T-118'.

    Numbers are ids only in a column that is called like images.

    >>> looks_like_ids([f"T-{i}" for i in range(20)]), looks_like_ids([f"order {i} is late" for i in range(20)])
    (True, False)
    >>> looks_like_ids(range(20), "image_id"), looks_like_ids(range(20), "price")
    (True, False)
    """
    present = [str(cell).strip() for cell in cells if not is_missing(cell)]
    if len(present) < _MIN_CELLS or not all(map(_is_id, present)):
        return False
    if all(map(str.isdigit, present)) and rank(column, _FILE_NAMES) == len(_FILE_NAMES):
        return False
    return len(set(present)) >= _SHARE * len(present)


def _is_id(cell: str) -> bool:
    is_word = cell.isascii() and not any(map(str.isspace, cell)) and number_of(cell) is None
    return len(cell) <= _MOST_CHARACTERS and any(map(str.isdigit, cell)) and (is_word or cell.isdigit())
