"""Ids: columns of words that name a row and say nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_CELLS = 8
_MOST_CHARACTERS = 64
_SHARE = 0.95


def looks_like_ids(cells: Sequence[Any]) -> bool:
    """Whether nearly all cells are different single words with a digit in them: 'img_0017', 'a3f9c2', 'T-118'.

    >>> looks_like_ids([f"T-{i}" for i in range(20)]), looks_like_ids([f"order {i} is late" for i in range(20)])
    (True, False)
    """
    present = [cell for cell in cells if not is_missing(cell)]
    if len(present) < _MIN_CELLS or not all(isinstance(cell, str) for cell in present):
        return False
    words = {cell for cell in present if _is_id(cell.strip())}
    return len(words) >= _SHARE * len(present)


def _is_id(cell: str) -> bool:
    return (
        len(cell) <= _MOST_CHARACTERS
        and not any(map(str.isspace, cell))
        and any(map(str.isdigit, cell))
        and cell.isascii()
    )
