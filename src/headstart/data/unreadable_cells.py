"""Cells of a column that are of another kind than the column: few are missing, of many it is said what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.column_packers import ReadCategories, ReadNumbers
from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.table_cells import shown_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Field

_MOST = 0.1  # of the cells
_N_LISTED = 100


def settle_unreadable(
    columns: Mapping[str, Sequence[Any]], fields: Sequence[Field], ids: Sequence[str]
) -> tuple[dict[str, Sequence[Any]], tuple[Notice, ...]]:
    """Take cells that are no numbers, dates or categories as missing, with a notice that names the first of each column.

    Raises
    ------
    DataError
        More than a tenth of a column's cells are of another kind.
    """
    settled, notices = dict(columns), []
    for field in fields:
        column = columns[field.name]
        unreadable: Mapping[int, Any] = getattr(column, "unreadable", {})
        if not unreadable:
            continue
        place, cell = next(iter(unreadable.items()))
        noun = get_modality(field.modality).plural
        said = f"{len(unreadable):,} of {len(column):,} cells in column '{field.name}' {'is' if len(unreadable) == 1 else 'are'} no {noun}"
        first = f"{shown_cell(cell)} in {ids[place]}"
        if len(unreadable) > _MOST * len(column):
            raise DataError(
                f"{said}, the first {first}. Read it otherwise with --columns '{field.name}:category', or correct it."
            )
        where = tuple(ids[place] for place in list(unreadable)[:_N_LISTED])
        notices.append(
            Notice(kind="unreadable-cell", message=f"{said}, the first {first}; they count as missing.", where=where)
        )
        settled[field.name] = _plain(column)
    return settled, tuple(notices)


def _plain(column: Sequence[Any]) -> Sequence[Any]:
    if isinstance(column, ReadNumbers):
        return Numbers(column.array)
    assert isinstance(column, ReadCategories)
    return Categories(column.codes, column.levels)
