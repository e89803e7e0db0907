"""Items given in Python, for prediction: a list of values or of dicts, a frame, or a dict of columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.field_columns import cells_of, columns_of
from headstart.data.modalities import Row
from headstart.data.packed_sequence import PackedSequence
from headstart.data.payloads import pick
from headstart.data.readers.frames import is_frame
from headstart.data.readers.tables import open_memory
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.data.modalities import Modality


def given_items(data: Any, modality: Modality, column: str | None = None) -> Sequence[Any]:
    """Give the values of the modality; where one is none, the `DataError` that says why stands in its place.

    Parameters
    ----------
    data : values, dicts with a value a field, a frame, or a dict of columns
    column : of the one field's values, where there are columns or keys

    Raises
    ------
    DataError
        It is one item, or lacks a column.

    >>> from headstart.data.modalities import get_modality
    >>> given_items([{"id": 7, "message": "late again"}, "where is it?"], get_modality("text"), "message")
    ['late again', 'where is it?']
    """
    if isinstance(data, str | bytes | Path):
        raise DataError(f"predict takes a list of items, not one {type(data).__name__}. Write [item].")
    if is_frame(data) or isinstance(data, Mapping):
        return _from_columns(data, modality, column)
    if isinstance(data, PackedSequence):
        return data
    items = data if hasattr(data, "__getitem__") and hasattr(data, "__len__") else list(data)
    if isinstance(modality, Row) or any(_is_record(item, modality) for item in items):
        return [_from_record(item, place, modality, column) for place, item in enumerate(items)]
    given: Sequence[Any] = items
    return given


def _from_columns(data: Any, modality: Modality, column: str | None) -> Sequence[Any]:
    if not len(data):
        return []
    source = open_memory(data)
    names = columns_of(source, modality, column)
    table = source.read(list(names.values()), UnreadableItems(max_unreadable=0.0))
    cleaned = modality.clean(cells_of(table, names, modality), None)
    if not cleaned.wrong:
        return cleaned.items
    wrong = {place: DataError(f"item {place + 1}: {reason}.") for place, reason in cleaned.wrong.items()}
    return [wrong.get(place, item) for place, item in enumerate(cleaned.items)]


def _is_record(item: Any, modality: Modality) -> bool:
    """Whether it is a dict in which the value stands, and not a value that is a dict."""
    return isinstance(item, Mapping) and not modality.is_value(item)


def _from_record(item: Any, place: int, modality: Modality, column: str | None) -> Any:
    try:
        if isinstance(modality, Row):
            return modality.check(item)
        return pick(item, modality, column) if _is_record(item, modality) else item
    except DataError as error:
        return DataError(f"item {place + 1}: {error}")
