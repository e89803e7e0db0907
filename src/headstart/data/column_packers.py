"""Packing of a column as it is read, some thousand cells at a time: what is wrong with a cell is kept beside it."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from headstart.data.packed_columns import MISSING_CODE, Categories, Numbers
from headstart.data.table_cells import read_category, read_date, read_number
from headstart.data.text import TextPacker
from headstart.data.values import is_null

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.data.text import Texts
    from headstart.data.written_numbers import WrittenNumbers

_MOST_KNOWN = 100_000  # cells whose reading is kept: dates and categories come back


class ColumnPacker(Protocol):
    """What takes the cells of a column and gives them packed.

    Attributes
    ----------
    keeps_cells : whether what it gives can be packed again without a difference
    """

    keeps_cells: bool

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells."""
        ...

    def finish(self) -> Sequence[Any]:
        """Give all; nothing may be added afterwards."""
        ...


class ReadNumbers(Numbers):
    """Numbers as they were read, with the cells that are none; these are missing among the numbers.

    Attributes
    ----------
    unreadable : such cells, by their places
    """

    def __init__(self, numbers: FloatArray, unreadable: Mapping[int, Any]) -> None:
        super().__init__(numbers)
        self.unreadable = unreadable


class ReadCategories(Categories):
    """Categories as they were read, with the cells that are none; these are missing among the categories."""

    def __init__(self, categories: Categories, unreadable: Mapping[int, Any]) -> None:
        super().__init__(categories.codes, categories.levels)
        self.unreadable = unreadable


class CellList:
    """Cells as they are, one object for those that are equal strings."""

    keeps_cells = True

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._cells: list[Any] = []

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells."""
        seen = self._seen
        self._cells.extend([seen.setdefault(cell, cell) if isinstance(cell, str) else cell for cell in cells])

    def finish(self) -> list[Any]:
        """Give the cells."""
        return self._cells


class TextColumn:
    """Cells as texts, packed one after the other; a missing one is blank."""

    keeps_cells = True

    def __init__(self) -> None:
        self._packer = TextPacker()

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells."""
        for cell in cells:
            self._packer.append(cell if isinstance(cell, str) else "" if is_null(cell) else str(cell))

    def finish(self) -> Texts:
        """Give the texts."""
        return self._packer.finish()


class NumberColumn:
    """Cells as numbers.

    >>> column = NumberColumn()
    >>> column.extend(["1.5", "", "many", 3])
    >>> column.finish().array.tolist(), column.unreadable
    ([1.5, nan, nan, 3.0], {2: 'many'})
    """

    keeps_cells = False

    def __init__(self, written: WrittenNumbers | None = None) -> None:
        self._written = written
        self._numbers = array("d")
        self.unreadable: dict[int, Any] = {}

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells: all at once where each is a plain number."""
        plain = self._plain(cells)
        if plain is not None:
            self._numbers.frombytes(plain.tobytes())
            return
        for cell in cells:
            number = read_number(cell, self._written)
            if number is None:
                self.unreadable[len(self._numbers)] = cell
            self._numbers.append(math.nan if number is None else number)

    def _plain(self, cells: Sequence[Any]) -> FloatArray | None:
        """The numbers, if no cell needs a second look."""
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
            found = cells.astype(np.float64)
            return found if not np.isinf(found).any() else None
        if self._written is not None and self._written.decimal != ".":
            return None
        try:
            found = np.array([*map(float, cells)], np.float64)
        except (TypeError, ValueError, OverflowError):
            return None
        is_plain = np.isfinite(found).all() and not any("_" in cell for cell in cells if type(cell) is str)
        return found if is_plain else None

    def finish(self) -> ReadNumbers:
        """Give the numbers."""
        return ReadNumbers(np.frombuffer(self._numbers, np.float64), self.unreadable)


class _Memory:
    """A reading of cells, kept for those that come back."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read
        self._known: dict[tuple[type, Hashable], Any] = {}

    def __call__(self, cell: Any) -> Any:
        key = (type(cell), cell)
        try:
            return self._known[key]
        except KeyError:
            found = self._read(cell)
            if len(self._known) < _MOST_KNOWN:
                self._known[key] = found
            return found
        except TypeError:  # not hashable
            return self._read(cell)


class DateColumn:
    """Cells as dates: seconds since 1970 UTC.

    >>> column = DateColumn()
    >>> column.extend(["1970-01-02", "soon"])
    >>> column.finish().array.tolist(), column.unreadable
    ([86400.0, nan], {1: 'soon'})
    """

    keeps_cells = False

    def __init__(self, read: Callable[[Any], float | None] = read_date) -> None:
        self._read = _Memory(read)
        self._seconds = array("d")
        self.unreadable: dict[int, Any] = {}

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells."""
        for cell in cells:
            seconds = self._read(cell)
            if seconds is None:
                self.unreadable[len(self._seconds)] = cell
            self._seconds.append(math.nan if seconds is None else seconds)

    def finish(self) -> ReadNumbers:
        """Give the seconds."""
        return ReadNumbers(np.frombuffer(self._seconds, np.float64), self.unreadable)


class CategoryColumn:
    """Cells as categories.

    >>> column = CategoryColumn()
    >>> column.extend(["red", " red", "", 1.0])
    >>> list(column.finish())
    ['red', 'red', '', '1']
    """

    keeps_cells = False

    def __init__(self) -> None:
        self._read = _Memory(read_category)
        self._places: dict[str, int] = {}
        self._codes = array("i")
        self.unreadable: dict[int, Any] = {}

    def extend(self, cells: Sequence[Any]) -> None:
        """Add cells."""
        places = self._places
        for cell in cells:
            name = self._read(cell)
            if name is None:
                self.unreadable[len(self._codes)] = cell
            self._codes.append(places.setdefault(name, len(places)) if name else MISSING_CODE)

    def finish(self) -> ReadCategories:
        """Give the categories, levels in the order in which they came."""
        codes = np.frombuffer(self._codes, np.int32)
        return ReadCategories(Categories(codes, tuple(self._places)), self.unreadable)
