"""ColumnReader: read the columns of a table as one array of numbers, codes of levels and parts of dates."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import SourceError
from headstart.data.packed_columns import MISSING_CODE, Categories, Numbers
from headstart.data.rows import Rows, column_of
from headstart.sources.preprocessors.date_parts import PARTS, date_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headstart.core.arrays import IntArray
    from headstart.core.dataset import Field
    from headstart.core.model import Batch

NUMBER, CATEGORY, DATE = "number", "category", "date"
TABULAR = frozenset({NUMBER, CATEGORY, DATE})
"""Names of the modalities that are read."""
UNSEEN = -1.0
LIMIT = 1e30  # what is larger counts as so large: sums and differences of single floats stay finite
_FILE = "levels.json"
_MAX_LEVELS = 50_000
_MANY_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is known of a field.

    Attributes
    ----------
    name : of the field
    holds : the name of its modality
    levels : of a category, in the order of their codes
    """

    name: str
    holds: str
    levels: tuple[str, ...] = field(default=(), repr=False)

    @property
    def width(self) -> int:
        """How many columns of the array it fills."""
        return len(PARTS) if self.holds == DATE else 1


@dataclass(frozen=True, kw_only=True)
class ColumnReader:
    """Rows to an array: a number is itself, a category the code of its level, a date its parts.

    Attributes
    ----------
    columns : in the order of the array
    is_alone : whether items are the values of the one column, rather than rows

    >>> age, job = Column(name="age", holds="number"), Column(name="job", holds="category", levels=("cook", "smith"))
    >>> ColumnReader(columns=(age, job)).transform([{"age": 31.5, "job": "smith"}])["columns"].tolist()
    [[31.5, 1.0]]
    """

    kind: ClassVar[str] = "columns"
    modality: ClassVar[str] = "row"
    columns: tuple[Column, ...]
    is_alone: bool = False

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> ColumnReader:
        """Rebuild it from its settings, and from the levels of categories if there are any.

        Raises
        ------
        SourceError
            A setting or the file is missing or damaged.
        """
        try:
            told = [(str(one["name"]), str(one["holds"])) for one in settings["columns"]]
            is_alone = bool(settings["is_alone"])
            levels = json.loads(files[_FILE]) if any(holds == CATEGORY for _, holds in told) else {}
            columns = tuple(
                Column(name=name, holds=holds, levels=tuple(map(str, levels[name])) if holds == CATEGORY else ())
                for name, holds in told
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"the settings of a reader of columns are invalid ({error!r}). Save the model again."
            ) from error
        if not columns or {one.holds for one in columns} - {NUMBER, CATEGORY, DATE} or (is_alone and len(columns) > 1):
            raise SourceError("a reader of columns lists none, or one of an unknown kind. Save the model again.")
        return cls(columns=columns, is_alone=is_alone)

    @property
    def reads(self) -> str:
        """The modality of an item: that of the one column where it stands alone, else a row."""
        return self.columns[0].holds if self.is_alone else self.modality

    @cached_property
    def width(self) -> int:
        """How many columns the array has."""
        return sum(one.width for one in self.columns)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first column of the array that each field fills."""
        return tuple(np.cumsum([0, *(one.width for one in self.columns)])[:-1].tolist())

    @cached_property
    def quantities(self) -> IntArray:
        """Columns of the array that hold quantities: numbers and parts of dates."""
        spans = [range(start, start + one.width) for one, start in self._placed if one.holds != CATEGORY]
        return np.array([place for span in spans for place in span], np.int64)

    @cached_property
    def coded(self) -> IntArray:
        """Columns of the array that hold codes of levels."""
        return self._at(CATEGORY)

    @property
    def n_levels(self) -> IntArray:
        """How many levels each of the `coded` columns has."""
        return np.array([len(one.levels) for one in self.columns if one.holds == CATEGORY], np.int64)

    def transform(self, items: Sequence[Any]) -> Batch:
        """Read rows: `columns`, the array of `read`.

        Raises
        ------
        DataError
            A row lacks a field.
        """
        return {"columns": self.read(items)}

    def read(self, items: Sequence[Any]) -> NDArray[np.float32]:
        """Read rows as an array, float32, (n, width); NaN where a value is missing, -1 for a level that was not learned from.

        Raises
        ------
        DataError
            A row lacks a field.
        """
        given = self._given(items)
        found = np.empty((len(items), self.width), np.float32)
        numbers = [_floats(column) for column, one in zip(given, self.columns, strict=True) if one.holds == NUMBER]
        if len(items) > _MANY_ROWS:  # all columns at once would be three more arrays of doubles
            for column, place in zip(numbers, self._at_numbers, strict=True):
                found[:, place] = np.clip(np.asarray(column, np.float64), -LIMIT, LIMIT)
        elif numbers:
            found[:, self._at_numbers] = np.minimum(np.maximum(np.array(numbers, np.float64), -LIMIT), LIMIT).T
        if len(self.coded):
            coded = [column for column, one in zip(given, self.columns, strict=True) if one.holds == CATEGORY]
            found[:, self.coded] = np.array(list(map(_coded, coded, self._codes)), np.float32).T
        for column, (one, start) in zip(given, self._placed, strict=True):
            if one.holds == DATE:
                seconds = np.asarray(_floats(column), np.float64)
                found[:, start : start + one.width] = np.clip(date_parts(seconds), -LIMIT, LIMIT)
        return found

    def settings(self) -> dict[str, Any]:
        """Names and kinds of the columns, and whether the one column is all there is."""
        return {"columns": [{"name": one.name, "holds": one.holds} for one in self.columns], "is_alone": self.is_alone}

    def files(self) -> Mapping[str, bytes]:
        """The levels of the categories, if there are any."""
        levels = {one.name: one.levels for one in self.columns if one.holds == CATEGORY}
        return {_FILE: json.dumps(levels).encode()} if levels else {}

    @cached_property
    def _placed(self) -> tuple[tuple[Column, int], ...]:
        return tuple(zip(self.columns, self.starts, strict=True))

    @cached_property
    def _at_numbers(self) -> IntArray:
        return self._at(NUMBER)

    def _at(self, holds: str) -> IntArray:
        return np.array([start for one, start in self._placed if one.holds == holds], np.int64)

    @cached_property
    def _codes(self) -> tuple[dict[str | None, float], ...]:
        """The code of each level of each category."""
        return tuple(
            {**{level: float(code) for code, level in enumerate(one.levels)}, "": np.nan, None: np.nan}
            for one in self.columns
            if one.holds == CATEGORY
        )

    @cached_property
    def _pick(self) -> Any:
        return itemgetter(*(one.name for one in self.columns))

    def _given(self, items: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The values of each column."""
        if self.is_alone:
            return [items]
        if not isinstance(items, Rows) and len(items) and len(self.columns) > 1:
            try:
                return list(zip(*map(self._pick, items), strict=True))
            except (KeyError, TypeError):
                pass  # `column_of` says which row lacks what
        return [column_of(items, one.name) for one in self.columns]


def learn_columns(items: Sequence[Any], fields: Sequence[Field], *, is_alone: bool = False) -> ColumnReader:
    """Make the reader of some fields, and learn the levels of their categories, the commonest first.

    Parameters
    ----------
    items : rows, or the values of the one field
    fields : of modalities that are tabular, one or more
    """
    columns = []
    for one in fields:
        levels = _levels_of(items if is_alone else column_of(items, one.name)) if one.modality == CATEGORY else ()
        columns.append(Column(name=one.name, holds=one.modality, levels=levels))
    return ColumnReader(columns=tuple(columns), is_alone=is_alone)


def _levels_of(values: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(values, Categories):
        counts = np.bincount(values.codes[values.codes != MISSING_CODE], minlength=len(values.levels))
        found = Counter({level: int(n) for level, n in zip(values.levels, counts, strict=True) if n})
    else:
        found = Counter(str(value) for value in values if value)
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return tuple(level for level, _ in ordered[:_MAX_LEVELS])


def _floats(values: Sequence[Any]) -> Any:
    return values if type(values) in (list, tuple) or not isinstance(values, Numbers) else values.array


def _coded(values: Sequence[Any], codes: Mapping[str | None, float]) -> NDArray[np.float32] | list[float]:
    if isinstance(values, Categories):
        known = np.array([*(codes.get(level, UNSEEN) for level in values.levels), np.nan], np.float32)
        return known[values.codes]  # the code of a missing value is -1: the last
    return [codes.get(value, UNSEEN) for value in values]
