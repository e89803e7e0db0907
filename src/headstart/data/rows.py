"""Rows: items of several fields, kept as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.packed_sequence import PackedSequence, pick, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray


class Rows(PackedSequence[dict[str, Any]]):
    """Dicts of a value a field, made when asked for.

    Parameters
    ----------
    columns : the values of each field, in the order of the fields, all of one length

    >>> rows = Rows({"subject": ["late", "refund"], "body": ["where is it?", "money back"]})
    >>> rows[1], rows.take([1]).column("subject")
    ({'subject': 'refund', 'body': 'money back'}, ['refund'])
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1:
            raise DataError(f"rows need columns of one length, and these have {sorted(lengths) or 'none'}.")
        self.columns: Mapping[str, Sequence[Any]] = columns
        self._length = lengths.pop()

    def __len__(self) -> int:
        return self._length

    def column(self, name: str) -> Sequence[Any]:
        """Give the values of one field."""
        return self.columns[name]

    def _value(self, position: int) -> dict[str, Any]:
        return {name: column[position] for name, column in self.columns.items()}

    def _part(self, chosen: slice | IntArray) -> Rows:
        return Rows({name: _part_of(column, chosen) for name, column in self.columns.items()})


def column_of(items: Sequence[Any], name: str) -> Sequence[Any]:
    """Give the values of one field of rows, or of dicts with a value a field.

    Raises
    ------
    DataError
        An item has no such field.

    >>> column_of([{"subject": "late"}, {"subject": "refund"}], "subject")
    ['late', 'refund']
    """
    if isinstance(items, Rows) and name in items.columns:
        return items.column(name)
    for position, item in enumerate(items):
        if not (type(item) is dict or isinstance(item, Mapping)) or name not in item:  # the first is ten times as quick
            came = (
                f"a dict of {', '.join(map(repr, item))}" if isinstance(item, Mapping) else f"a {type(item).__name__}"
            )
            raise DataError(f"item {position + 1} needs a field '{name}', but {came} came. Give a dict with it.")
    return [item[name] for item in items]


def _part_of(column: Sequence[Any], chosen: slice | IntArray) -> Sequence[Any]:
    return pick(column, chosen) if isinstance(chosen, slice) else taken(column, chosen)
