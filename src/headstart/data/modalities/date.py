"""Dates: days and moments of a table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.data.column_packers import DateColumn
from headstart.data.modalities.number import Number
from headstart.data.table_cells import read_date

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY_S = 86_400.0


class Date(Number):
    """A date or a time: seconds since 1970 UTC, NaN where it is missing."""

    name: ClassVar[str] = "date"
    is_time: ClassVar[bool] = True
    singular: ClassVar[str] = "date"
    plural: ClassVar[str] = "dates"
    cell_noun: ClassVar[str] = "dates"
    order: ClassVar[int] = 61
    column_names: ClassVar[tuple[str, ...]] = ("date",)
    python_values: str = "dates, texts such as '2026-01-31', or seconds since 1970 UTC"
    wire_format: str = "dates such as 2026-01-31"
    example: float = 1_769_817_600.0
    loading_code: str = '{"date": np.array([1769817600.0])}'

    def __init__(self, written: str = "") -> None:
        super().__init__()
        self._order = written

    def packer(self) -> DateColumn:
        """Pack dates."""
        return DateColumn(self.read)

    def read(self, cell: Any) -> float | None:
        """Read one date."""
        return read_date(cell, self._order)

    def is_value(self, value: Any) -> bool:
        """Whether it is a date of Python's or numpy's."""
        return isinstance(value, date | np.datetime64)

    def give(self, item: Any) -> str | float | None:  # type: ignore[override]
        """The date as ISO 8601 has it; the seconds where that would not be exact.

        >>> Date().give(86400.0), Date().give(86400.25), Date().give(float("nan"))
        ('1970-01-02', '1970-01-02T00:00:00.250000+00:00', None)
        """
        if np.isnan(item):
            return None
        try:
            when = datetime.fromtimestamp(float(item), tz=UTC)
        except (OverflowError, ValueError, OSError):
            return float(item)
        written = when.date().isoformat() if item % _DAY_S == 0 else when.isoformat()
        return written if read_date(written) == item else float(item)

    def wire_schema(self) -> dict[str, Any]:
        """A text, a number of seconds, or null."""
        return {"type": ["string", "number", "null"]}

    @property
    def _remedy(self) -> str:
        return "Send it as 2026-01-31 or 2026-01-31T12:00:00Z, or null where there is none."

    def stand_ins(self, words: Sequence[str]) -> list[float]:
        """A day for each word."""
        return [self.example + place * _DAY_S for place in range(len(words))]
