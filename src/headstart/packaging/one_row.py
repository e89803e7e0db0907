"""One row of a table, prepared at once where nothing in it needs a closer look; else the general way looks, and says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.modalities import modality_of_field
from headstart.sources.preprocessors.columns import CATEGORY, LIMIT, NUMBER, ColumnReader
from headstart.sources.preprocessors.joint import JointPreprocessor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.core.dataset import Field
    from headstart.core.model import Batch, Preprocessor

_MAX_LEVELS = 2_000  # of a category; each is tried when the first row comes
_KINDS = frozenset({NUMBER, CATEGORY})


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """How one reader of columns reads a row.

    Attributes
    ----------
    names : of the arrays that it makes
    numbers : takes the numbers out of a row
    types : that these may have
    levels : the name of each category, and the codes of the levels that are written as the reader knows them
    order : of the columns, among numbers and then categories; None where that is their order
    """

    names: tuple[str, ...]
    numbers: Callable[[dict[str, Any]], tuple[Any, ...]]
    types: frozenset[type]
    levels: tuple[tuple[str, Mapping[str, float]], ...]
    order: tuple[int, ...] | None

    def read(self, row: dict[str, Any]) -> np.ndarray[Any, Any] | None:
        """The row as an array (1, width), float32; None where a number is of another type, missing or very large."""
        values = self.numbers(row)
        if values and not (
            self.types.issuperset(map(type, values))
            and min(values) >= -LIMIT
            and max(values) <= LIMIT
            and (total := sum(values)) == total
        ):
            return None
        if self.levels:
            values = (*values, *[codes[row[name]] for name, codes in self.levels])
        found = np.array((values,), np.float32)
        return found if self.order is None else found[:, self.order]


class OneRow:
    """Prepares a row of finite numbers and of known levels, as `given_items`, `unusable_items` and the preprocessor would.

    Parameters
    ----------
    n_fields : that a row has
    readings : of the readers, each of which reads all fields
    """

    def __init__(self, n_fields: int, readings: Sequence[_Reading]) -> None:
        self._n_fields, self._readings = n_fields, tuple(readings)

    @classmethod
    def of(cls, fields: Sequence[Field], prepared: Preprocessor) -> OneRow | None:
        """Make one; None where a field is neither number nor category, or is read by something else."""
        alone: tuple[tuple[tuple[str, ...], Preprocessor, str | None], ...] = ((("",), prepared, None),)
        parts = prepared.parts if isinstance(prepared, JointPreprocessor) else alone
        names = {field.name for field in fields}
        readings = []
        for prefixes, reader, field in parts:
            if not isinstance(reader, ColumnReader) or reader.is_alone or field is not None:
                return None
            if {one.name for one in reader.columns} != names or {one.holds for one in reader.columns} - _KINDS:
                return None
            readings.append(_reading(prefixes, reader, {one.name: one for one in fields}))
        return cls(len(fields), readings) if readings else None

    def batch(self, items: Any) -> Batch | None:
        """Prepare a list of one row; None where it has to be looked at more closely."""
        if type(items) is not list or len(items) != 1 or type(items[0]) is not dict or len(items[0]) != self._n_fields:
            return None
        batch: Batch = {}
        try:
            for reading in self._readings:
                array = reading.read(items[0])
                if array is None:
                    return None
                for name in reading.names:
                    batch[name] = array
        except (KeyError, TypeError):  # another field, another level, or a value that is no key
            return None
        return batch


def _reading(prefixes: Sequence[str], reader: ColumnReader, fields: Mapping[str, Field]) -> _Reading:
    numbers = [one.name for one in reader.columns if one.holds == NUMBER]
    categories = [one for one in reader.columns if one.holds == CATEGORY]
    places = {name: place for place, name in enumerate([*numbers, *(one.name for one in categories)])}
    order = tuple(places[one.name] for one in reader.columns)
    is_written = any(fields[name].written for name in numbers)  # then an integer may mean something else
    return _Reading(
        names=tuple(f"{prefix}columns" for prefix in prefixes),
        numbers=_picker(numbers),
        types=frozenset({float} if is_written else {float, int}),
        levels=tuple((one.name, _plain_levels(fields[one.name], one.levels)) for one in categories),
        order=None if order == tuple(range(len(order))) else order,
    )


def _picker(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _plain_levels(field: Field, levels: Sequence[str]) -> dict[str, float]:
    """The codes of the levels that are read as they are written, of very many the commonest, which come first."""
    modality, often = modality_of_field(field), levels[:_MAX_LEVELS]
    return {level: float(code) for code, level in enumerate(often) if modality.receive(level) == level}
