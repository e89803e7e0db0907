"""A pair (items, targets) as the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.given import listed_items
from headstart.data.modalities import item_modalities
from headstart.data.readers.frames import frame_columns, is_frame
from headstart.data.schema import NO_SPLIT


def pair_as_columns(pair: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Give items and targets, and what `load` was given with them, columns with names.

    Parameters
    ----------
    options : of `load`, by name; `group`, `time` and `split` are n values or None

    Returns
    -------
    The columns, and the options that name them.

    Raises
    ------
    DataError
        It is no pair, or a part of it is not one value an item.

    >>> pair_as_columns((["a", "b"], [1, 0]), {"group": None, "time": None, "split": None, "images": None})[0]
    {'input': ['a', 'b'], 'target': [1, 0]}
    """
    if len(pair) != 2:
        raise DataError(f"a pair (items, targets) was expected; the tuple has {len(pair)} parts.")
    items, targets = pair
    columns = _input_columns(items)
    named: dict[str, Any] = {"input": list(columns)}
    labels = {_free(name, columns): cells for name, cells in _target_columns(targets).items()}
    columns |= labels
    given = [part for part in ("group", "time", "split") if options[part] is not None]
    columns |= {part: _plain(options[part]) for part in given}
    named |= {"target": list(labels), "split": NO_SPLIT, "images": options["images"]}
    return columns, named | {part: part for part in given}


def _input_columns(items: Any) -> dict[str, list[Any]]:
    """The items as one column, or as the columns of a frame, of a dict, or of dicts with a value a field."""
    if is_frame(items):
        return {name: list(cells) for name, cells in frame_columns(items).items()}
    if isinstance(items, Mapping):
        return {str(name): _plain(cells) for name, cells in items.items()}
    if isinstance(items, list) and items and all(map(_is_record, items)):
        return {
            str(name): [item.get(name) for item in items] for name in dict.fromkeys(k for item in items for k in item)
        }
    return {"input": _plain(items)}


def _is_record(item: Any) -> bool:
    """Whether a value is a dict of fields, not one that a modality reads as a whole."""
    return isinstance(item, Mapping) and not any(modality.is_value(item) for modality in item_modalities())


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with an underscore behind it where a column has it."""
    return _free(f"{name}_", taken) if name in taken else name


def _target_columns(targets: Any) -> dict[str, list[Any]]:
    array = targets if isinstance(targets, np.ndarray) else None
    if array is not None and array.ndim == 2 and array.shape[1] > 1:
        return {f"label {place}": column.tolist() for place, column in enumerate(array.T)}
    if array is not None and array.ndim > 2:
        raise DataError(f"targets have shape (n,) or (n, k); these have {array.shape}.")
    return {"target": array.ravel().tolist() if array is not None else _plain(targets)}


def _plain(values: Any) -> list[Any]:
    """A value an item, numbers of NumPy as Python's."""
    return [value.item() if isinstance(value, np.generic) else value for value in listed_items(values)]
