"""Items given in Python, for prediction: a list of values or of dicts, a frame, or a dict of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.field_columns import cells_of, columns_of, packers_of
from headstart.data.modalities import Row
from headstart.data.packed_sequence import PackedSequence
from headstart.data.payloads import pick
from headstart.data.readers.frames import is_frame
from headstart.data.readers.tables import open_memory
from headstart.data.unreadable_items import UnreadableItems
from headstart.data.values import is_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.data.modalities import Modality

_COLOR_CHANNELS = (3, 4)


def given_items(data: Any, modality: Modality, learnt: str = "") -> Sequence[Any]:
    """Give the values of the modality; where one is none, the `DataError` that says why stands in its place.

    Parameters
    ----------
    data : values, dicts with a value a field, a frame, or a dict of columns
    learnt : the column that the model learnt from, as for `input_name`; '' where that had no name

    Raises
    ------
    DataError
        It is one item, has no order, or lacks a column.

    >>> from headstart.data.modalities import get_modality
    >>> given_items([{"id": 7, "message": "late again"}, "where is it?"], get_modality("text"), "message")
    ['late again', 'where is it?']
    """
    if is_table(data):
        return _from_columns(data, modality, learnt)
    if isinstance(data, PackedSequence):
        return data
    if modality.is_array and getattr(data, "ndim", 0) == 3 and data.shape[-1] in _COLOR_CHANNELS:
        raise _not_a_list(data)
    items = listed_items(data)
    if isinstance(modality, Row) or any(_is_record(item, modality) for item in items):
        return [_from_record(item, place, modality, learnt) for place, item in enumerate(items)]
    if modality.is_tabular:
        return [_received(item, place, modality) for place, item in enumerate(items)]
    return items


def is_table(data: Any) -> bool:
    """Whether items come as the columns of a frame or a dict."""
    return is_frame(data) or isinstance(data, Mapping)


def listed_items(data: Any) -> Sequence[Any]:
    """Give items in their order: those of any iterable, the cells of an array of one column.

    Raises
    ------
    DataError
        It is one item, a set, an array of several columns of values, or a frame of another library than pandas.

    >>> listed_items(np.array([["late again"], ["where is it?"]]))
    ['late again', 'where is it?']
    """
    if hasattr(data, "to_pandas") and hasattr(data, "columns"):
        raise DataError(
            f"a {type(data).__module__}.{type(data).__name__} is not read. Give its to_pandas(), or a list of items."
        )
    if isinstance(data, str | bytes | Path) or not isinstance(data, Iterable):
        raise _not_a_list(data)
    if isinstance(data, set | frozenset):
        raise DataError("a set has no order in which the answers could come. Give a list.")
    if isinstance(data, list | tuple | PackedSequence):
        return data
    if isinstance(data, np.ndarray) and data.ndim == 2 and data.dtype.kind in "OUS":
        if data.shape[1] != 1:
            raise DataError(
                f"an array of shape {data.shape} has columns without names. Give a frame, or the one column of the items."
            )
        return data[:, 0].tolist()
    return list(data)


def _not_a_list(data: Any) -> DataError:
    return DataError(f"a list of items was expected, not one {type(data).__name__}. Write [item].")


def unusable_items(items: Sequence[Any], modality: Modality) -> dict[int, DataError]:
    """Say of each item that is no value of the modality, or blank, what is wrong with it, by its place.

    Parameters
    ----------
    items : as `given_items` gives them

    >>> from headstart.data.modalities import get_modality
    >>> str(unusable_items(["late again", None], get_modality("text"))[1])
    'a text was expected, but there is none (None). Give one, or leave the item out.'
    """
    if isinstance(items, PackedSequence):
        return {place: blank_item(modality) for place in modality.blanks(items)}
    found = {place: error for place, item in enumerate(items) if (error := _wrong(item, modality)) is not None}
    others = [place for place in range(len(items)) if place not in found]
    blank = modality.blanks([items[place] for place in others])
    return found | {others[i]: blank_item(modality) for i in blank}


def receive_item(value: Any, modality: Modality) -> Any:
    """Make an item of what came over a wire, as `Modality.receive` does, and refuse what is missing or blank.

    Raises
    ------
    DataError
        It is no value of the modality, or holds nothing.
    """
    if is_null(value):
        raise null_item(value, modality.one)
    item = modality.receive(value)
    if modality.blanks([item]):
        raise blank_item(modality)
    return item


def numbered_error(position: int, error: DataError) -> DataError:
    """The error of the item at that place, with its number before it.

    >>> str(numbered_error(1, DataError("it is blank.")))
    'item 2: it is blank.'
    """
    said, name = str(error), f"item {position + 1}"
    return error if said.startswith(f"{name}:") else DataError(f"{name}: {said}")


def blank_item(modality: Modality) -> DataError:
    """The error of an item without content."""
    return DataError(f"the {modality.singular} is blank. Give one with content, or leave the item out.")


def null_item(value: Any, expected: str = "an item") -> DataError:
    """The error of None, NaN or `pd.NA` where an item was expected."""
    return DataError(f"{expected} was expected, but there is none ({value}). Give one, or leave the item out.")


def _wrong(item: Any, modality: Modality) -> DataError | None:
    if isinstance(item, DataError):
        return item
    if is_null(item):
        return null_item(item, modality.one)
    if modality.misfit([item]) is None:
        return None
    came = type(item).__name__
    return DataError(f"{modality.one} was expected, but a {came} came. Give {modality.python_values}.")


def _from_columns(data: Any, modality: Modality, learnt: str) -> Sequence[Any]:
    if not len(data):
        return []
    source = open_memory(data)
    names = columns_of(source, modality, None, learnt)
    bad = UnreadableItems(max_unreadable=0.0)
    table = source.read(list(names.values()), bad, packers=packers_of(names, modality))
    cleaned = modality.clean(cells_of(table, names, modality), None)
    if not cleaned.wrong:
        return cleaned.items
    wrong = {place: DataError(f"item {place + 1}: {reason}.") for place, reason in cleaned.wrong.items()}
    return [wrong.get(place, item) for place, item in enumerate(cleaned.items)]


def _is_record(item: Any, modality: Modality) -> bool:
    """Whether it is a dict in which the value stands, and not a value that is a dict."""
    return isinstance(item, Mapping) and not modality.is_value(item)


def _received(item: Any, place: int, modality: Modality) -> Any:
    """A cell of a table that stands alone, read."""
    if isinstance(item, DataError) or is_null(item):
        return item
    try:
        return modality.receive(item)
    except DataError as error:
        return DataError(f"item {place + 1}: {error}")


def _from_record(item: Any, place: int, modality: Modality, learnt: str) -> Any:
    if isinstance(item, DataError):
        return item
    try:
        if isinstance(modality, Row):
            return modality.check(item)
        return pick(item, modality, learnt) if _is_record(item, modality) else item
    except DataError as error:
        return DataError(f"item {place + 1}: {error}")
