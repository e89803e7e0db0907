"""Categories: one of some names, a cell of a table."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.data.column_packers import CategoryColumn
from headstart.data.modalities.tabular import Tabular
from headstart.data.packed_columns import MISSING_CODE, Categories
from headstart.data.table_cells import read_category

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headstart.core.arrays import FloatArray, IntArray

_KEY_BYTES = 16
_N_DESCRIBED = 16  # levels, the commonest first


class Category(Tabular):
    """A category: a string, '' where it is missing."""

    name: ClassVar[str] = "category"
    singular: ClassVar[str] = "category"
    plural: ClassVar[str] = "categories"
    cell_noun: ClassVar[str] = "categories"
    order: ClassVar[int] = 62
    column_names: ClassVar[tuple[str, ...]] = ("category",)
    null_value: ClassVar[str | float | None] = ""
    also_read_as: ClassVar[str | None] = "text"  # the names of levels
    python_values: str = "strings"
    wire_format: str = "categories, as texts"
    example: str = "red"
    mlflow_type: ClassVar[str] = "any"  # codes are numbers in a frame
    loading_code: str = '{"category": np.array(["red"], dtype=object)}'
    graph_type: ClassVar[str] = "string"

    def packer(self) -> CategoryColumn:
        """Pack categories."""
        return CategoryColumn()

    def read(self, cell: Any) -> str | None:
        """Read one category."""
        return read_category(cell)

    def is_value(self, value: Any) -> bool:
        """Whether it is a string."""
        return isinstance(value, str)

    def pack(self, items: Iterable[Any]) -> Sequence[Any]:
        """Pack categories; packed ones stay as they are."""
        return items if isinstance(items, Categories) else super().pack(items)

    def blanks(self, items: Sequence[Any]) -> list[int]:
        """Give the places of missing categories."""
        return np.flatnonzero(self._packed(items).codes == MISSING_CODE).tolist()

    def content(self, item: Any) -> bytes:
        """UTF-8; halves of characters stay apart."""
        return str(item).encode("utf-8", "surrogatepass")

    def keys(self, items: Sequence[Any]) -> list[bytes]:
        """Hash each level once."""
        packed = self._packed(items)
        hashed = [
            hashlib.blake2b(self.content(level), digest_size=_KEY_BYTES).digest() for level in (*packed.levels, "")
        ]
        return [hashed[code] for code in packed.codes]  # -1 is the last, that of what is missing

    def codes(self, items: Sequence[Any]) -> IntArray:
        """The codes of the levels."""
        return self._packed(items).codes.astype(np.int64)

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """Which of the commonest levels it is, shape (n, at most 17); the last says that it is missing."""
        codes = self._packed(items).codes
        levels, counts = np.unique(codes[codes != MISSING_CODE], return_counts=True)
        common = np.sort(levels[np.argsort(-counts, kind="stable")[:_N_DESCRIBED]])
        return (codes[:, None] == np.append(common, MISSING_CODE)).astype(np.float32)

    def give(self, item: Any) -> str | None:
        """The string, or None where it is missing."""
        return str(item) or None

    def wire_schema(self) -> dict[str, Any]:
        """A text, a number, true or false, or null."""
        return {"type": ["string", "number", "boolean", "null"]}

    def stand_ins(self, words: Sequence[str]) -> list[str]:
        """The words."""
        return [*words]

    def _packed(self, items: Sequence[Any]) -> Categories:
        packed = self.pack(items)
        assert isinstance(packed, Categories)
        return packed
