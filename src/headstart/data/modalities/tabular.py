"""Tabular: cells of a table that are read together with the others of their row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import DataError
from headstart.data.modalities.cleaned import Cleaned
from headstart.data.modalities.modality import FixedItems, Modality
from headstart.data.similar_pairs import SimilarPairs
from headstart.data.table_cells import shown_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headstart.core.arrays import IntArray
    from headstart.core.model import Batch
    from headstart.data.column_packers import ColumnPacker

_FED_TOGETHER = 1_024


class Tabular(Modality):
    """What numbers, categories and dates have in common: they come in tables alone, and are packed as columns.

    Attributes
    ----------
    graph_type : of the elements of a graph's input
    """

    file_noun: ClassVar[str] = "tables"
    is_tabular: ClassVar[bool] = True
    could_be_label: ClassVar[bool] = True
    default_source: ClassVar[str] = ""
    hub_task: ClassVar[str] = "tabular-classification"
    graph_type: ClassVar[str] = "float64"

    def packer(self) -> ColumnPacker:
        """Pack cells as they are read."""
        raise NotImplementedError

    def read(self, cell: Any) -> Any:
        """Read one cell; None where it is of another kind."""
        raise NotImplementedError

    def codes(self, items: Sequence[Any]) -> IntArray:
        """Number the values, shape (n,): equal ones have equal numbers."""
        raise NotImplementedError

    def recognises(self, cells: Sequence[Any], folder: Path | None = None) -> bool:  # noqa: ARG002
        """Never: `data.column_kinds` looks at all columns of a table together."""
        return False

    def read_file(self, path: Path) -> Any:
        """Refuse: one file is no cell."""
        raise DataError(f"'{path}' is one file, but {self.plural} are read. Give a table.")

    def clean(self, cells: Sequence[Any], folder: Path | None) -> Cleaned:  # noqa: ARG002
        """Read the cells; one of another kind is wrong."""
        read = self.pack(cells)
        unreadable: Mapping[int, Any] = getattr(read, "unreadable", {})
        wrong = {place: f"holds {shown_cell(cell)} where {self.one} was expected" for place, cell in unreadable.items()}
        return Cleaned(items=read, wrong=wrong)

    def misfit(self, values: Sequence[Any]) -> int | None:
        """Give the place of the first value that cannot be read."""
        return next(iter(getattr(self.pack(values), "unreadable", {})), None)

    def pack(self, items: Iterable[Any]) -> Sequence[Any]:
        """Pack values; packed ones stay as they are."""
        packer = self.packer()
        cells: Any = items if isinstance(items, np.ndarray) else list(items)
        packer.extend(cells)
        return packer.finish()

    def key(self, item: Any) -> bytes:
        """Give the key of one value, as `keys` does."""
        return self.keys(self.pack([item]))[0]

    def similar_pairs(self, items: Sequence[Any]) -> SimilarPairs:
        """None: cells of one column are equal by chance."""
        del items
        return SimilarPairs.none()

    def receive(self, value: Any) -> Any:
        """Take a value of JSON, a cell of CSV or the bytes of one; null, and what stands for nothing in tables, is missing."""
        if isinstance(value, bytes):  # of a form, or a tensor
            try:
                value = value.decode()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{self.one} was expected, but bytes came that are not UTF-8. {self._remedy}"
                ) from error
        read = self.read(value)
        if read is None:
            came = shown_cell(value) if isinstance(value, str | float) else f"a {type(value).__name__}"
            raise DataError(f"{self.one} was expected, but {came} came. {self._remedy}")
        return read

    @property
    def _remedy(self) -> str:
        return f"Send {self.one}, or null where there is none."

    def preview(self, item: Any) -> dict[str, Any]:
        """Show the value as a text."""
        given = self.give(item)
        return {"text": "" if given is None else str(given)}

    def from_preview(self, shown: Mapping[str, Any]) -> Any | None:
        """The value that is shown."""
        return self.read(shown["text"]) if "text" in shown else None

    def declare(self, graph: Any, *, are_files: bool, name: str | None = None) -> str:  # noqa: ARG002
        """An input of shape (batch,), called like the modality."""
        declared: str = graph.input(name or self.name, self.graph_type, ["batch"])
        return declared

    def feeds(
        self,
        items: Sequence[Any],
        *,
        are_files: bool,  # noqa: ARG002
        name: str | None = None,
    ) -> Iterator[tuple[Batch, Sequence[Any]]]:
        """Some values at a time."""
        dtype: Any = object if self.graph_type == "string" else self.graph_type
        for first in range(0, len(items), _FED_TOGETHER):
            values = [*items[first : first + _FED_TOGETHER]]
            fed = ["" if one is None else one for one in values] if dtype is object else values
            yield {name or self.name: np.array(fed, dtype=dtype)}, values

    def fixed_items(self, settings: Mapping[str, Any]) -> FixedItems:  # noqa: ARG002
        """Three values."""
        return FixedItems(*self.stand_ins(["advantage", "start", "race"]))
