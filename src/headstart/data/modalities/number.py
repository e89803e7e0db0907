"""Numbers: quantities of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.data.column_packers import NumberColumn
from headstart.data.modalities.tabular import Tabular
from headstart.data.packed_columns import Numbers
from headstart.data.table_cells import read_number
from headstart.data.written_numbers import WrittenNumbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.data.column_packers import ColumnPacker

_KEY_BYTES = 16
_FIGURES = 6
_WIDEST = 4.0  # standard deviations: one far value must not decide on clusters


class Number(Tabular):
    """A number: a float, NaN where it is missing."""

    name: ClassVar[str] = "number"
    singular: ClassVar[str] = "number"
    plural: ClassVar[str] = "numbers"
    cell_noun: ClassVar[str] = "numbers"
    order: ClassVar[int] = 60
    column_names: ClassVar[tuple[str, ...]] = ("number",)
    null_value: ClassVar[str | float | None] = float("nan")
    python_values: str = "numbers"
    wire_format: str = "numbers"
    example: float = 12.5
    mlflow_type: ClassVar[str] = "any"  # whole numbers too, which are no "double" to MLflow
    loading_code: str = '{"number": np.array([12.5])}'

    def __init__(self, written: str = "") -> None:
        self._written = WrittenNumbers.from_word(written) if written else None

    def written_as(self, written: str) -> Number:
        """Give one that reads cells with such a decimal sign and units."""
        return type(self)(written) if written else self

    def packer(self) -> ColumnPacker:
        """Pack numbers."""
        return NumberColumn(self._written)

    def read(self, cell: Any) -> float | None:
        """Read one number; an infinity is none."""
        return read_number(cell, self._written)

    def is_value(self, value: Any) -> bool:
        """Whether it is a number of Python's or numpy's."""
        return isinstance(value, int | float | np.number) and not isinstance(value, bool)

    def receive(self, value: Any) -> Any:
        """Take a finite float as it is, and read everything else; rows come one by one, and most of their cells are floats."""
        return value if _is_finite_float(value) else super().receive(value)

    def misfit(self, values: Sequence[Any]) -> int | None:
        """Give the place of the first value that cannot be read."""
        return None if _are_finite_floats(values) else super().misfit(values)

    def pack(self, items: Iterable[Any]) -> Sequence[Any]:
        """Pack numbers; packed ones stay as they are."""
        return items if isinstance(items, Numbers) else super().pack(items)

    def blanks(self, items: Sequence[Any]) -> list[int]:
        """Give the places of missing numbers."""
        return [] if _are_finite_floats(items) else np.flatnonzero(np.isnan(self._array(items))).tolist()

    def content(self, item: Any) -> bytes:
        """Eight bytes; all that is missing, and both zeros, are the same."""
        return self._canonical([item]).tobytes()

    def keys(self, items: Sequence[Any]) -> list[bytes]:
        """The numbers themselves, filled up with zeros: no hash is needed to make them short."""
        wide = np.zeros((len(items), _KEY_BYTES), np.uint8)
        wide[:, :8] = self._canonical(items).view(np.uint8).reshape(-1, 8)
        return [row.tobytes() for row in wide]

    def codes(self, items: Sequence[Any]) -> IntArray:
        """Numbers that agree in six figures are equal."""
        numbers = self._canonical(items)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 10.0 ** (_FIGURES - 1 - np.floor(np.log10(np.abs(numbers))))
            rounded = np.where(np.isfinite(scale), np.round(numbers * scale) / scale, numbers)
        return np.unique(rounded, return_inverse=True, equal_nan=True)[1].astype(np.int64)

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """The number in standard deviations, and whether it is missing; shape (n, 2)."""
        numbers = self._array(items)
        is_missing = np.isnan(numbers)
        present = numbers[~is_missing]
        if not len(present):
            return np.column_stack([np.zeros(len(numbers)), is_missing])
        spread = float(present.std()) or 1.0
        scaled = np.where(is_missing, 0.0, (numbers - present.mean()) / spread)
        return np.column_stack([np.clip(scaled, -_WIDEST, _WIDEST), is_missing]).astype(np.float32)

    def give(self, item: Any) -> float | None:
        """The number, or None where it is missing."""
        return None if np.isnan(item) else float(item)

    def preview(self, item: Any) -> dict[str, Any]:
        """The number, a whole one without a fraction.

        >>> Number().preview(64.0), Number().preview(0.1), Number().preview(float("nan"))
        ({'text': '64'}, {'text': '0.1'}, {'text': ''})
        """
        return {"text": super().preview(item)["text"].removesuffix(".0")}

    def wire_schema(self) -> dict[str, Any]:
        """A number or null."""
        return {"type": ["number", "null"]}

    def from_preview(self, shown: Mapping[str, Any]) -> float | None:
        """The number that is shown."""
        return self.read(shown["text"]) if "text" in shown else None

    def stand_ins(self, words: Sequence[str]) -> list[float]:
        """A number for each word."""
        return [place + 0.5 for place in range(len(words))]

    def _array(self, items: Sequence[Any]) -> FloatArray:
        packed = self.pack(items)
        assert isinstance(packed, Numbers)
        return packed.array

    def _canonical(self, items: Sequence[Any]) -> FloatArray:
        numbers = self._array(items) + 0.0  # no negative zero
        numbers[np.isnan(numbers)] = np.nan  # one of the many that there are
        return numbers


def _is_finite_float(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _are_finite_floats(values: Sequence[Any]) -> bool:
    return type(values) is list and all(map(_is_finite_float, values))
