"""The user's own columns, to be written beside what was computed of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.items import STDIN, tables_of
from headstart.data.readers.columns import row_id
from headstart.data.readers.parts import TableParts
from headstart.data.readers.tables import is_table_file, named_path, open_table
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from headstart.data.modalities import Modality
    from headstart.data.readers.columns import TableSource


def one_table(
    named: Sequence[str | Path], column: str | None = None, modality: Modality | None = None
) -> TableSource | None:
    """The one table that is named, or that a folder holds; None where files, a stream or several tables are.

    Parameters
    ----------
    modality : of the items, whose files a folder may hold instead
    column : of the items, where its name is known, so that the first row is known to be a header
    """
    if len(named) != 1 or named[0] == STDIN:
        return None
    path, known = named_path(named[0]), [column] if column else ()
    if path.is_dir():
        source = tables_of(path, modality, column)
        return None if isinstance(source, TableParts) else source
    return open_table(path, known_columns=known) if is_table_file(path) else None


def own_columns(source: TableSource, ids: Sequence[str], *, taken: Collection[str] = ()) -> dict[str, list[Any]]:
    """The cells of the rows called `ids`, by column; None in a row that cannot be read.

    Parameters
    ----------
    taken : names of our own columns; a column that has one is called `input_` and its name
    """
    table = source.read(source.names, UnreadableItems(max_unreadable=1.0))
    place = {row_id(source.name, row): i for i, row in enumerate(table.rows)}
    chosen = [place.get(name) for name in ids]
    return {
        _free_name(name, {*taken, *source.names}) if name in taken else name: [
            None if i is None else cells[i] for i in chosen
        ]
        for name, cells in table.columns.items()
    }


def row_number(item: str) -> int:
    """The number in the name of a row.

    >>> row_number(row_id("tickets.csv", 7))
    7
    """
    return int(item.rpartition(" ")[2])


def _free_name(name: str, taken: Collection[str]) -> str:
    name = f"input_{name}"
    while name in taken:
        name = f"input_{name}"
    return name
