"""Rows: items of several named fields, each of a modality of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import DataError
from headstart.data.column_names import listed, nearest
from headstart.data.equal_rows import copied_rows, number_rows
from headstart.data.groups import join_pairs
from headstart.data.modalities.cleaned import Cleaned
from headstart.data.modalities.lookup import modality_of_field
from headstart.data.modalities.modality import FixedItems, Modality
from headstart.data.modalities.row_inputs import column_feeds, graph_names, loading_code
from headstart.data.modalities.tabular import Tabular
from headstart.data.rows import Rows, column_of
from headstart.data.similar_pairs import SimilarPairs
from headstart.data.values import is_null

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.dataset import Field
    from headstart.core.model import Batch

_KEY_BYTES = 16
_N_SAID = 12
_HASHED_TOGETHER = 65_536
_LARGEST_ORIGIN = 10  # rows that share a distinctive value; what more rows share says nothing of their origin


class Row(Modality):
    """A row of fields: a dict with a value for each.

    Attributes
    ----------
    fields : with the modality of each, in their order
    """

    name: ClassVar[str] = "row"
    singular: ClassVar[str] = "row"
    plural: ClassVar[str] = "rows"
    file_noun: ClassVar[str] = "tables"
    cell_noun: ClassVar[str] = "rows"
    column_names: ClassVar[tuple[str, ...]] = ()
    strings_name_files: ClassVar[bool] = True
    hub_task: ClassVar[str] = "tabular-classification"

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.modalities: dict[str, Modality] = {field.name: modality_of_field(field) for field in fields}
        parts = self.modalities.items()
        self.python_values = f"dicts with {self.said}"
        self.wire_format = "objects with " + ", ".join(f"'{name}' ({one.singular})" for name, one in parts)
        self.example = {name: one.example for name, one in parts}
        self.loading_code = loading_code(self.modalities)

    @property
    def said(self) -> str:
        """The names of the fields, for messages: 'subject', 'body' and 'photo'."""
        *first, last = [f"'{name}'" for name in self.modalities]
        if len(first) > _N_SAID:
            first, last = first[:_N_SAID], f"{len(first) + 1 - _N_SAID} more"
        return f"{', '.join(first)} and {last}" if first else last

    def is_value(self, value: Any) -> bool:
        """Whether it is a dict that has all fields."""
        return isinstance(value, Mapping) and set(self.modalities) <= set(value)

    def recognises(self, cells: Sequence[Any], folder: Path | None = None) -> bool:  # noqa: ARG002
        """Never: rows are made of several columns."""
        return False

    def read_file(self, path: Path) -> Any:
        """Refuse: one file is no row."""
        raise DataError(f"'{path}' is one file, but rows of {', '.join(self.modalities)} are read. Give a table.")

    def clean(self, cells: Sequence[Any], folder: Path | None) -> Cleaned:
        """Clean each field's column; a row is wrong where one of its cells is."""
        cleaned = {name: one.clean(column_of(cells, name), folder) for name, one in self.modalities.items()}
        wrong: dict[int, str] = {}
        for name, column in cleaned.items():
            for place, reason in column.wrong.items():
                wrong.setdefault(place, f"column '{name}' {reason}")
        items = Rows({name: column.items for name, column in cleaned.items()})
        return Cleaned(items=items, wrong=wrong, notices=sum((one.notices for one in cleaned.values()), ()))

    def blanks(self, items: Sequence[Any]) -> list[int]:
        """Give the places of rows of which every field holds nothing to learn from."""
        is_blank = np.ones(len(items), dtype=bool)
        for name, one in self.modalities.items():
            if not is_blank.any():
                break
            found = np.zeros(len(items), dtype=bool)
            found[one.blanks(column_of(items, name))] = True
            is_blank &= found
        return np.flatnonzero(is_blank).tolist()

    def misfit(self, values: Sequence[Any]) -> int | None:
        """Give the place of the first value that is no dict of all fields, or of which a field is something else."""
        wrong = next((place for place, value in enumerate(values) if not self.is_value(value)), None)
        fitting = values if wrong is None else values[:wrong]
        found = [one.misfit(column_of(fitting, name)) for name, one in self.modalities.items()]
        return min((place for place in [wrong, *found] if place is not None), default=None)

    def content(self, item: Any) -> bytes:
        """The keys of the fields, in their order."""
        return b"".join(one.key(item[name]) for name, one in self.modalities.items())

    def key(self, item: Any) -> bytes:
        """Hash the keys of the fields."""
        return hashlib.blake2b(self.content(item), digest_size=_KEY_BYTES).digest()

    def keys(self, items: Sequence[Any]) -> list[bytes]:
        """Hash the keys of the fields, which are made column by column."""
        hashed: list[bytes] = []
        for first in range(0, len(items), _HASHED_TOGETHER):
            some = items[first : first + _HASHED_TOGETHER]
            keys = (one.keys(column_of(some, name)) for name, one in self.modalities.items())
            wide = np.hstack([np.frombuffer(b"".join(one), np.uint8).reshape(len(some), -1) for one in keys])
            hashed += [hashlib.blake2b(row, digest_size=_KEY_BYTES).digest() for row in np.ascontiguousarray(wide)]
        return hashed

    def similar_pairs(self, items: Sequence[Any]) -> SimilarPairs:
        """Pair rows of which all fields are similar, or one that is distinctive; cells of a table may be equal by chance."""
        pairs: list[SimilarPairs] = []
        groups: list[IntArray] = []
        for name, one in self.modalities.items():
            column = column_of(items, name)
            if isinstance(one, Tabular):
                groups.append(one.codes(column).astype(np.int32))  # of all columns at once: half the memory
                continue
            found = one.similar_pairs(column)
            joined = join_pairs(len(column), found)
            found = found.above(joined.similarity)
            groups.append(joined.groups)
            told = np.array([one.is_distinctive(column[i]) for i in found.left], dtype=bool)
            told &= joined.sizes[found.left] <= _LARGEST_ORIGIN
            pairs.append(found.where(told))
        is_table = any(one.is_tabular for one in self.modalities.values())
        same = copied_rows(groups) if is_table else SimilarPairs.of_equal_numbers(number_rows(groups))
        return same.join(*pairs)

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """The descriptions of the fields side by side, all of the same weight."""
        parts = [one.describe(column_of(items, name)) for name, one in self.modalities.items()]
        parts = [part - part.mean(axis=0) for part in parts if len(part)]
        return np.hstack(
            [np.zeros((len(items), 1), np.float32), *(part / max(float(np.linalg.norm(part)), 1e-9) for part in parts)]
        )

    def size(self, item: Any) -> int:
        """The sizes of all fields together."""
        return sum(one.size(item[name]) for name, one in self.modalities.items())

    def most_together(self, size: int) -> int:
        """As many as the most demanding field lets."""
        return min(one.most_together(size) for one in self.modalities.values())

    def fixed_items(self, settings: Mapping[str, Any]) -> FixedItems:
        """Rows of the fixed values of each field."""
        made = {name: one.fixed_items(settings) for name, one in self.modalities.items()}
        return FixedItems(*({name: fixed[part] for name, fixed in made.items()} for part in range(3)))

    def pick(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Take the fields out of a record of a table, which may have other columns too.

        Raises
        ------
        DataError
            It lacks a field.
        """
        lacking = [name for name in self.modalities if name not in record]
        if lacking:
            keys = listed([str(key) for key in record])
            near = nearest(lacking, [str(key) for key in record if key not in self.modalities])
            noun = "field" if len(lacking) == 1 else "fields"
            raise DataError(
                f"a record has no {noun} {listed(lacking)} (its fields: {keys or 'none'}).{near} Give {self.said}."
            )
        return {
            name: one.null_value if is_null(record[name]) else record[name] for name, one in self.modalities.items()
        }

    def check(self, value: Any) -> dict[str, Any]:
        """Give a value of Python's as a row of the fields, or say what it is instead; what it holds besides is not read.

        Raises
        ------
        DataError
            It is no dict, lacks a field, or a field is of another modality.
        """
        row = self._whole(value)
        for name, one in self.modalities.items():
            if isinstance(one, Tabular):
                row[name] = _received(one, name, row[name])
            elif one.misfit([row[name]]) is not None:
                came = type(row[name]).__name__
                raise DataError(
                    f"the field '{name}' is a {came}, but {one.one} was expected. Give {one.python_values}."
                )
        return row

    def receive(self, value: Any) -> dict[str, Any]:
        """Receive each field.

        >>> from headstart.core.dataset import Field
        >>> Row((Field("subject", "text"), Field("body", "text"))).receive({"subject": "Refund", "body": b"Money back"})
        {'subject': 'Refund', 'body': 'Money back'}
        """
        row = self._whole(value)
        return {name: _received(one, name, row[name]) for name, one in self.modalities.items()}

    def _whole(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise DataError(f"a row was expected, but a {type(value).__name__} came. Give an object with {self.said}.")
        return self.pick(value)

    def give(self, item: Any) -> dict[str, Any]:
        """Give each field."""
        return {name: one.give(item[name]) for name, one in self.modalities.items()}

    def wire_schema(self) -> dict[str, Any]:
        """An object with a property a field, all required; what else it has is not read."""
        properties = {name: one.wire_schema() for name, one in self.modalities.items()}
        return {"type": "object", "required": [*properties], "properties": properties}

    def check_size(self, item: Any, *, max_pixels: int) -> None:
        """Refuse a row of which a field is too large."""
        for name, one in self.modalities.items():
            one.check_size(item[name], max_pixels=max_pixels)

    def preview(self, item: Any) -> dict[str, Any]:
        """Show each field, by its name."""
        return {"fields": [{"name": name, **one.preview(item[name])} for name, one in self.modalities.items()]}

    def from_preview(self, shown: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make each field again; None where one does not show a value."""
        parts = {part["name"]: part for part in shown.get("fields", ())}
        made = {name: one.from_preview(parts.get(name, {})) for name, one in self.modalities.items()}
        return None if any(value is None for value in made.values()) else made

    def stand_ins(self, words: Sequence[str]) -> list[Any]:
        """Rows of made-up values, as many as the field with fewest has."""
        made = {name: one.stand_ins(words) for name, one in self.modalities.items()}
        return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=False)]

    def graph_names(self) -> dict[str, str]:
        """Name the input of a graph that each field is, as `row_inputs.graph_names` does."""
        return graph_names(self.modalities)

    def declare(self, graph: Any, *, are_files: bool, name: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """An input a field; the values by field."""
        names = self.graph_names()
        return {
            field: one.declare(graph, are_files=are_files, name=names[field]) for field, one in self.modalities.items()
        }

    def feeds(
        self,
        items: Sequence[Any],
        *,
        are_files: bool,
        name: str | None = None,  # noqa: ARG002
    ) -> Iterator[tuple[Batch, Sequence[Any]]]:
        """One row at a time, for each image has its own size; many where all are cells of a table."""
        names = self.graph_names()
        if all(one.is_tabular for one in self.modalities.values()):
            yield from column_feeds(items, self.modalities)
            return
        for item in items:
            batch: Batch = {}
            row: dict[str, Any] = {}
            for field, one in self.modalities.items():
                fed, (row[field],) = next(iter(one.feeds([item[field]], are_files=are_files, name=names[field])))
                batch |= fed
            yield batch, [row]


def _received(modality: Modality, name: str, value: Any) -> Any:
    try:
        return modality.receive(value)
    except DataError as error:
        raise DataError(f"the field '{name}': {error}") from error
