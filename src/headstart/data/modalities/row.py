"""Rows: items of several named fields, each of a modality of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import DataError
from headstart.data.modalities.lookup import get_modality
from headstart.data.modalities.modality import Cleaned, FixedItems, Modality
from headstart.data.rows import Rows, column_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.core.dataset import Field
    from headstart.core.model import Batch

_KEY_BYTES = 16


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
    python_values: ClassVar[str] = "dicts"
    wire_format: ClassVar[str] = "objects with a value a field"

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.modalities: dict[str, Modality] = {field.name: get_modality(field.modality) for field in fields}

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
        return Cleaned(items=Rows({name: column.items for name, column in cleaned.items()}), wrong=wrong)

    def blanks(self, items: Sequence[Any]) -> list[int]:
        """Give the places of rows of which every field holds nothing to learn from."""
        found = [set(one.blanks(column_of(items, name))) for name, one in self.modalities.items()]
        return sorted(set.intersection(*found))

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

    def receive(self, value: Any) -> dict[str, Any]:
        """Receive each field."""
        (value,) = [value] if self.is_value(value) else [None]
        if value is None:
            raise DataError(f"an object with {', '.join(self.modalities)} was expected. Send all fields.")
        return {name: one.receive(value[name]) for name, one in self.modalities.items()}

    def give(self, item: Any) -> dict[str, Any]:
        """Give each field."""
        return {name: one.give(item[name]) for name, one in self.modalities.items()}

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

    def declare(self, graph: Any, *, are_files: bool) -> Any:
        """An input a field, its name before that of the field's value; a dict of them by field."""
        declared = {}
        for name, one in self.modalities.items():
            with graph.inputs_named(f"{name}."):
                declared[name] = one.declare(graph, are_files=are_files)
        return declared

    def feeds(self, items: Sequence[Any], *, are_files: bool) -> Iterator[tuple[Batch, Sequence[Any]]]:
        """One row at a time."""
        for item in items:
            batch: Batch = {}
            row: dict[str, Any] = {}
            for name, one in self.modalities.items():
                fed, (value,) = next(one.feeds([item[name]], are_files=are_files))
                batch |= {f"{name}.{array}": values for array, values in fed.items()}
                row[name] = value
            yield batch, [row]
