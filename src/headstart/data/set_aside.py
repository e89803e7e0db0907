"""Columns of a table that are set aside, for they say nothing of the target, or too much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.column_kinds import IGNORED, ColumnKind
from headstart.data.leaks import leaking_columns, set_aside_notice
from headstart.data.packed_columns import Categories, Numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headstart.core.dataset import Notice
    from headstart.data.readers.columns import Table
    from headstart.data.schema import ColumnSchema


def without_leaks(schema: ColumnSchema, sample: Mapping[str, list[Any]]) -> tuple[ColumnSchema, tuple[Notice, ...]]:
    """Set aside the inputs that nobody named and that know the target, with a notice each.

    Raises
    ------
    DataError
        Nothing is left.
    """
    if not schema.droppable or len(schema.targets) > 1:
        return schema, ()
    kinds = {field.name: field.modality for field in schema.inputs}
    candidates = [name for name in kinds if name in schema.droppable]
    leaks = leaking_columns(sample, schema.targets[0], kinds, candidates)
    notices = tuple(set_aside_notice(name, said, schema.targets[0]) for name, said in leaks.items())
    if len(leaks) == len(schema.inputs):
        raise DataError(f"no column is left to learn from: {notices[0].message}")
    return _without(schema, leaks, "it knows the target"), notices


def without_constants(schema: ColumnSchema, table: Table) -> ColumnSchema:
    """Set aside the inputs that nobody named and that have one value in all rows, which a sample could not tell."""
    constant = [name for name in schema.droppable if _is_constant(table.columns[name])]
    return schema if len(constant) == len(schema.inputs) else _without(schema, constant, "one value")


def _is_constant(column: Sequence[Any]) -> bool:
    if isinstance(column, Numbers):
        present = column.array[~np.isnan(column.array)]
        return not len(present) or (len(present) == len(column) and bool((present == present[0]).all()))
    if isinstance(column, Categories):
        return not len(column.codes) or bool((column.codes == column.codes[0]).all())
    return False


def _without(schema: ColumnSchema, names: Collection[str], why: str) -> ColumnSchema:
    inputs = tuple(field for field in schema.inputs if field.name not in names)
    kinds = {name: ColumnKind(IGNORED, why) if name in names else kind for name, kind in schema.kinds.items()}
    return replace(schema, inputs=inputs, droppable=schema.droppable.difference(names), kinds=kinds)
