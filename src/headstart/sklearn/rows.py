"""Frames of several columns for scikit-learn estimators: each column is a field."""

from __future__ import annotations

from typing import Any

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data.input_guess import modality_of
from headstart.data.input_names import input_name
from headstart.data.modalities import Row, all_modalities, get_modality
from headstart.data.readers.columns import check_names
from headstart.data.readers.frames import frame_columns, is_frame
from headstart.data.rows import Rows
from headstart.ranking import split_assignment
from headstart.sources import FieldSource, JointSource, find, open_source
from headstart.sources.defaults import default_source


def column_fitted(X: Any) -> str:  # noqa: N803  scikit-learn's name
    """The name of a frame's one column; '' for anything else."""
    return str(X.columns[0]) if is_frame(X) and len(X.columns) == 1 else ""


def fitted_part(X: Any, fields: tuple[Field, ...], column: str) -> Any:  # noqa: N803
    """Of a frame, the columns that the estimator was fitted on, in another order or beside others; anything else as it is.

    Parameters
    ----------
    fields : of the rows that it was fitted on; none where each item was one value
    column : the name of that value's column; '' where it had none

    Raises
    ------
    DataError
        A column is missing, or of several none is the one of the values.
    """
    if not is_frame(X) or not len(X.columns):
        return X
    names = list(map(str, X.columns))
    check_names(names, "X")
    if fields:
        there = [names.index(field.name) for field in fields if field.name in names]
        return _columns_at(X, there) if len(there) == len(fields) else X
    if len(names) == 1:
        return X
    taken = input_name(names, all_modalities()[-1], column, "X")
    return _columns_at(X, [names.index(taken)])


def _columns_at(X: Any, places: list[int]) -> Any:  # noqa: N803
    """Some columns of a frame, of pandas or polars."""
    return X.iloc[:, places] if hasattr(X, "iloc") else X[:, places]


def rows_of(X: Any) -> Rows | None:  # noqa: N803
    """Take a frame with a column of texts or images as rows; None for anything else, and for a frame of numbers.

    Raises
    ------
    DataError
        Only some of its columns hold texts or images.
    """
    if not is_frame(X):
        return None
    columns = dict(frame_columns(X))
    are_values = {name: any(isinstance(cell, str | bytes) for cell in cells) for name, cells in columns.items()}
    if not any(are_values.values()):
        return None
    other = next((name for name, is_one in are_values.items() if not is_one), None)
    if other is not None:
        raise DataError(
            f"column '{other}' holds neither texts nor images, but other columns do. Leave it out, join it with a "
            "ColumnTransformer and TransferFeatures, or fit the estimator on the whole table."
        )
    return Rows(columns)


def fields_of(rows: Rows) -> tuple[Field, ...]:
    """Recognise the modality of each column."""
    return tuple(Field(name, modality_of(cells, None)) for name, cells in rows.columns.items())


def only_column(rows: Rows) -> list[Any] | None:
    """The values of rows of one field, which are items as they are."""
    return list(*rows.columns.values()) if len(rows.columns) == 1 else None


def cleaned(rows: Rows, fields: tuple[Field, ...]) -> Rows:
    """Give the values of the fields, read as their modalities are.

    Raises
    ------
    DataError
        A column is missing, or a cell cannot be used; the message names it.
    """
    missing = next((field.name for field in fields if field.name not in rows.columns), None)
    if missing is not None:
        raise DataError(f"X has no column '{missing}', which this estimator was fitted on. Add it.")
    named = {}
    for field in fields:
        found = get_modality(field.modality).clean(rows.column(field.name), None)
        for place, reason in found.wrong.items():
            raise DataError(f"X, row {place}, column '{field.name}' {reason}.")
        named[field.name] = found.items
    rows = Rows(named)
    for place in Row(fields).blanks(rows):
        raise DataError(f"X, row {place} is blank in every column. Leave the row out.")
    return rows


def open_for_fields(fields: tuple[Field, ...], named: str) -> JointSource:
    """Open the source that is named for each field or its modality, else the usual one of it."""
    given = [] if named == "auto" else [split_assignment(word) for word in named.split(",")]
    parts = []
    for field in fields:
        assigned = [source for name, source in given if name == field.name]
        free = [source for name, source in given if name is None and find(source).modality == field.modality]
        parts.append(FieldSource(open_source([*assigned, *free, default_source(field.modality)][0]), field.name))
    return JointSource(tuple(parts))
