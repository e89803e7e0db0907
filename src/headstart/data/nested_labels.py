"""Labels within JSON: `{"choices": ["x"]}` of annotation tools, dicts with a name, lists written out."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.label_sets import LIST_TYPES
from headstart.data.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("choices", "labels", "label", "name", "value", "class", "category", "text", "title")
_BRACES = re.compile(r"\{[^{}\":]*\}")


def plain_cells(cells: Sequence[Any], ids: Sequence[str], column: str) -> Sequence[Any]:
    """Take the labels out of cells that are dicts, or texts of lists and dicts; other cells stay as they are.

    Lists of one label each become that label.

    Raises
    ------
    DataError
        A dict has no value that could be its label; the message names the row.

    >>> plain_cells([{"choices": ["a"]}, '["b"]'], ["row 1", "row 2"], "label")
    ['a', 'b']
    """
    if not any(map(_may_be_nested, cells)):
        return cells
    _check_keys(cells, ids, column)
    read = {cell: _plain(cell) for cell in cells if isinstance(cell, str)} if _all_are_nested_texts(cells) else {}
    plain = []
    for place, cell in enumerate(cells):
        try:
            plain.append(read.get(cell, cell) if isinstance(cell, str) else _plain(cell))
        except ValueError as error:
            raise _no_label(ids[place], column, cell) from error
    lists = [cell for cell in plain if isinstance(cell, LIST_TYPES)]
    if lists and all(len(cell) == 1 for cell in lists) and all(map(_may_be_nested, cells)):
        return [next(iter(cell)) if isinstance(cell, LIST_TYPES) else cell for cell in plain]
    return plain


def _check_keys(cells: Sequence[Any], ids: Sequence[str], column: str) -> None:
    """Refuse dicts of one key each where the keys differ: the labels may be the keys or the values."""
    keys: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if isinstance(cell, Mapping) and len(cell) == 1 and not set(_KEYS) & set(cell):
            keys.setdefault(str(next(iter(cell))), place)
    if len(keys) > 1:
        place = list(keys.values())[1]
        raise _no_label(ids[place], column, cells[place])


def _no_label(row: str, column: str, cell: Any) -> DataError:
    shown = json.dumps(cell, default=str)[:60]
    return DataError(
        f"{row}: column '{column}' holds {shown}, in which no label is found. Write the label alone, a list of labels, or a dict such "
        'as {"choices": ["a", "b"]}.'
    )


def _all_are_nested_texts(cells: Sequence[Any]) -> bool:
    """Whether texts with brackets are JSON here: in names of classes a bracket may be part of a word."""
    texts = {cell for cell in cells if isinstance(cell, str) and _may_be_nested(cell)}
    return bool(texts) and all(_parsed(text) is not None for text in texts)


def _may_be_nested(cell: Any) -> bool:
    if isinstance(cell, str):
        text = cell.strip()
        return text[:1] + text[-1:] in ("[]", "{}", "()")
    return isinstance(cell, (Mapping, *LIST_TYPES))


def _plain(cell: Any) -> Any:
    """A label or a list of labels; raises `ValueError` where a dict holds none."""
    if isinstance(cell, str):
        parsed = _parsed(cell) if _may_be_nested(cell) else None
        return cell if parsed is None else _plain(parsed)
    if isinstance(cell, Mapping):
        return _plain(_value_of(cell))
    if isinstance(cell, LIST_TYPES):
        return [label for part in cell if not is_blank(part) for label in _flat(_plain(part))]
    return cell


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value_of(cell: Mapping[str, Any]) -> Any:
    known = next((key for key in _KEYS if key in cell), None)
    if known is None and len(cell) != 1:
        raise ValueError(f"no label among {list(cell)}")
    return cell[known] if known is not None else next(iter(cell.values()))


def _parsed(text: str) -> Any:
    """What a text of JSON, of Python or of a database's array `{a,b}` holds; None if it is none of these."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        return value if isinstance(value, dict | list | tuple | set) else None
    if _BRACES.fullmatch(text.strip()):
        return [part.strip() for part in text.strip()[1:-1].split(",") if part.strip()]
    return None
