"""Find the columns of a table that a model reads, by their names or else by their cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, unknown_name
from headstart.data.input_guess import guess_input
from headstart.data.modalities import Row
from headstart.data.rows import Rows
from headstart.data.shown_names import without_invisible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.data.modalities import Modality
    from headstart.data.readers.columns import Packers, Table, TableSource


def columns_of(source: TableSource, modality: Modality, column: str | None) -> dict[str, str]:
    """Give the column of each field, by the field's name; the one field of other values than rows is called ''.

    Parameters
    ----------
    column : of the one field, if it is known; any column serves where there is but one

    Raises
    ------
    DataError
        A field has no column.
    OptionError
        There is no column of that name, and more than one other.
    """
    if not isinstance(modality, Row):
        return {"": _input_column(source, modality, column)}
    found = {name: _named(source, name) for name in modality.modalities}
    lacking = next((name for name, one in found.items() if one is None), None)
    if lacking is not None:
        known = ", ".join(f"'{name}'" for name in source.names[:12])
        raise DataError(
            f"{source.name} has no column '{lacking}' (its columns: {known}). Name one with columns {modality.said}."
        )
    return {name: one for name, one in found.items() if one is not None}


def packers_of(names: Mapping[str, str], modality: Modality) -> Packers:
    """What packs the columns of which `columns_of` gave the names, by the columns' names."""
    parts = modality.modalities if isinstance(modality, Row) else {"": modality}
    return {column: parts[field].packer for field, column in names.items()}


def cells_of(table: Table, names: Mapping[str, str], modality: Modality) -> Sequence[Any]:
    """Take the cells out of a table of which `columns_of` gave the names, as `Modality.clean` takes them."""
    columns = {field: table.columns[name] for field, name in names.items()}
    return Rows(columns) if isinstance(modality, Row) else columns[""]


def _input_column(source: TableSource, modality: Modality, column: str | None) -> str:
    """Find the column that the model was trained on, by its name, or else by its cells."""
    if column is not None:
        found = _named(source, column)
        if found is not None:
            return found
        if (
            len(source.names) > 1 and column != modality.name
        ):  # as the files of folders are called, which have no column
            raise unknown_name("input column", column, source.names)
    if len(source.names) == 1:
        return source.names[0]
    sample = source.sample()
    by_name = [name for name in source.names if name.casefold() in modality.column_names]
    return by_name[0] if len(by_name) == 1 else guess_input(sample, list(sample), source.name, folder=source.folder)


def _named(source: TableSource, column: str) -> str | None:
    """The column of that name, or the first whose name differs in capital letters or invisible characters alone."""
    plain = without_invisible(column).casefold()
    found = [name for name in source.names if without_invisible(name).casefold() == plain]
    return column if column in found else next(iter(found), None)
