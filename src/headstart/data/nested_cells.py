"""Cells that are objects or lists, where plain values are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.core.errors import DataError
from headstart.data.shown_names import visible

_N_SHOWN = 60


def check_plain(cells: Sequence[Any], column: str, name: str) -> None:
    """Refuse texts that are objects or lists: written out they would be learnt with their brackets.

    Raises
    ------
    DataError
        A cell is one; the message shows it.
    """
    cell = next((cell for cell in cells if _is_nested(cell)), None)
    if cell is not None:
        shown = json.dumps(cell, default=str, ensure_ascii=False)[:_N_SHOWN]
        raise DataError(
            f"column '{visible(column)}' of '{name}' holds {shown}, where texts were expected. Write the text in a column of its own, and "
            "name that as the input."
        )


def nested_hint(columns: Mapping[str, Sequence[Any]]) -> str:
    """What to do about a table that has its texts in objects; '' where it has no objects.

    >>> nested_hint({"data": [{"text": "late again"}], "label": ["delivery"]})
    "Column 'data' holds objects ('text'): write what is in them in columns of their own."
    """
    for column, cells in columns.items():
        found = next((cell for cell in cells if isinstance(cell, Mapping) and cell), None)
        if found is not None:
            keys = ", ".join(f"'{visible(str(key))}'" for key in list(found)[:4])
            return f"Column '{visible(column)}' holds objects ({keys}): write what is in them in columns of their own."
    return ""


def _is_nested(cell: Any) -> bool:
    return isinstance(cell, Mapping | list | tuple)
