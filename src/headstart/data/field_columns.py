"""Find the columns of a table that a model reads, by their names or else by their cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import MissingColumnError, unknown_name
from headstart.data.column_names import listed, nearest
from headstart.data.input_guess import guess_input
from headstart.data.input_names import candidates, input_name, named_input, no_input, same_name
from headstart.data.modalities import Row
from headstart.data.nested_cells import check_plain
from headstart.data.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.data.modalities import Modality
    from headstart.data.readers.columns import Packers, Table, TableSource

_TEXT = "text"


def columns_of(source: TableSource, modality: Modality, named: str | None, learnt: str | None = None) -> dict[str, str]:
    """Give the column of each field, by the field's name; the one field of other values than rows is called ''.

    Parameters
    ----------
    named : by the user, of the one field
    learnt : the column that a model learnt from, as for `input_name`; None where there is no model: then it is guessed

    Raises
    ------
    MissingColumnError
        A field has no column.
    OptionError
        There is no column of the name that the user gave.
    """
    if not isinstance(modality, Row):
        taken = _input_column(source, modality, named, learnt)
        _check_cells(source, [taken] if modality.name == _TEXT else [])
        return {"": taken}
    found = {name: same_name(source.names, name) for name in modality.modalities}
    lacking = [name for name, one in found.items() if one is None]
    if lacking:
        near = nearest(lacking, [name for name in source.names if name not in found.values()])
        noun = "column" if len(lacking) == 1 else "columns"
        raise MissingColumnError(
            f"{source.name} has no {noun} {listed(lacking)} (its columns: {listed(source.names)}).{near} Name one with columns {modality.said}."
        )
    columns = {name: one for name, one in found.items() if one is not None}
    _check_cells(source, [one for name, one in columns.items() if modality.modalities[name].name == _TEXT])
    return columns


def packers_of(names: Mapping[str, str], modality: Modality) -> Packers:
    """What packs the columns of which `columns_of` gave the names, by the columns' names."""
    parts = modality.modalities if isinstance(modality, Row) else {"": modality}
    return {column: parts[field].packer for field, column in names.items()}


def cells_of(table: Table, names: Mapping[str, str], modality: Modality) -> Sequence[Any]:
    """Take the cells out of a table of which `columns_of` gave the names, as `Modality.clean` takes them."""
    columns = {field: table.columns[name] for field, name in names.items()}
    return Rows(columns) if isinstance(modality, Row) else columns[""]


def _input_column(source: TableSource, modality: Modality, named: str | None, learnt: str | None) -> str:
    """Find the column that the user named, or that the model learnt from, or else guess it by its cells."""
    names = source.names
    if named is not None:
        found = same_name(names, named)
        if found is None:
            raise unknown_name("column (for --input)", named, names)
        return found
    if learnt:
        return input_name(names, modality, learnt, f"'{source.name}'")
    if len(names) == 1:
        return names[0]
    if learnt is None:
        return guess_input(source.sample(), list(names), source.name, folder=source.folder)
    return named_input(names, modality, learnt) or _recognised(source, modality)


def _check_cells(source: TableSource, texts: Sequence[str]) -> None:
    """Refuse objects and lists in columns of texts; a file without types has none."""
    if source.have_types and texts:
        sample = source.sample()
        for name in texts:
            check_plain(sample[name], name, source.name)


def _recognised(source: TableSource, modality: Modality) -> str:
    """The one column whose cells are of the modality, of a table for a model that learnt from no table."""
    sample = source.sample()
    asked = candidates(source.names) if modality.could_be_label else source.names  # an id may name a file
    found = [name for name in asked if modality.recognises(sample[name], source.folder)]
    if len(found) != 1:
        raise no_input(source.names, modality, "", f"'{source.name}'")
    return found[0]
