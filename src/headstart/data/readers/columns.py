"""What every kind of table offers: a sample to guess from, then the wanted columns."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from headstart.core.errors import DataError
from headstart.data.column_packers import CellList
from headstart.data.packed_sequence import PackedSequence, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from headstart.core.dataset import IntArray, Notice
    from headstart.data.column_packers import ColumnPacker
    from headstart.data.unreadable_items import UnreadableItems

_PACKED_TOGETHER = 4_096  # rows

T = TypeVar("T")
Packers: TypeAlias = "Mapping[str, Callable[[], ColumnPacker | None]]"
"""What makes the packers of columns, by their names."""

NO_PACKERS: Packers = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Table:
    """The wanted columns of a table, all of the same length; cells are as the file has them.

    Attributes
    ----------
    columns : the cells by column name
    rows : the number of each row, counted from 1, the header not counted
    n_rows : all rows, those set aside among them
    ids : names of the rows for people, where they are of several files
    parts : the part that each row is of by its file, where there are several
    """

    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[int]
    n_rows: int
    ids: Sequence[str] | None = None
    parts: Sequence[str] | None = None

    def ids_in(self, name: str) -> Sequence[str]:
        """Name the rows for people; `name` is the table's."""
        return RowIds(name, self.rows) if self.ids is None else self.ids


class TableSource(Protocol):
    """A table that is not read yet."""

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where relative paths in its cells start."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        ...

    @property
    def have_types(self) -> bool:
        """Whether cells have types of their own, so that a string is a text, or all are strings."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was noticed while opening it."""
        ...

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from up to a few thousand rows, spread over the whole table."""
        ...

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:
        """Read the columns `names`, those of `packers` packed, each by what its function makes."""
        ...


class ColumnReader:
    """The wanted columns of rows that come one after the other, packed some thousand rows at a time.

    Parameters
    ----------
    names : of the cells of the rows that are offered
    """

    def __init__(self, names: Sequence[str], packers: Packers = NO_PACKERS) -> None:
        self._columns = {name: packer_of(name, packers) for name in names}
        self._waiting: list[Sequence[Any]] = []

    def offer(self, cells: Sequence[Any]) -> None:
        """Take the wanted cells of a row, in the order of `names`."""
        self._waiting.append(cells)
        if len(self._waiting) >= _PACKED_TOGETHER:
            self._pack()

    def extend(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Take cells of several rows, by column."""
        for name, column in self._columns.items():
            column.extend(columns[name])

    def finish(self) -> dict[str, Sequence[Any]]:
        """Give the columns."""
        self._pack()
        return {name: column.finish() for name, column in self._columns.items()}

    def _pack(self) -> None:
        if self._waiting:
            for column, cells in zip(self._columns.values(), zip(*self._waiting, strict=True), strict=True):
                column.extend(cells)
            self._waiting.clear()


def packer_of(name: str, packers: Packers) -> ColumnPacker:
    """Make what packs a column; a list of its cells where nothing does."""
    return (packers[name]() if name in packers else None) or CellList()


class RowNumbers:
    """Numbers of rows as they are read; those without a gap are a range, of a few bytes for any number of rows.

    >>> numbers = RowNumbers()
    >>> for number in (3, 4, 5):
    ...     numbers.append(number)
    >>> numbers.finish()
    range(3, 6)
    """

    def __init__(self) -> None:
        self._numbers = array("q")

    def __len__(self) -> int:
        return len(self._numbers)

    def append(self, number: int) -> None:
        """Add the number of the next row."""
        self._numbers.append(number)

    def finish(self) -> Sequence[int]:
        """Give all numbers."""
        numbers = self._numbers
        has_no_gap = bool(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1
        return range(numbers[0], numbers[-1] + 1) if has_no_gap else numbers


def cells_at(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Make what takes the cells at some places out of a row.

    >>> cells_at([2, 0])("abc"), cells_at([1])("abc")
    (('c', 'a'), ('b',))
    """
    if len(places) == 1:
        return lambda cells: (cells[places[0]],)
    return itemgetter(*places) if places else lambda _: ()


class RowIds(PackedSequence[str]):
    """Names of rows for people, made when asked for.

    >>> RowIds("tickets.csv", [3, 4])[1]
    'tickets.csv row 4'
    """

    def __init__(self, name: str, rows: Sequence[int]) -> None:
        self._name = name
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def _value(self, position: int) -> str:
        return row_id(self._name, self._rows[position])

    def _part(self, chosen: slice | IntArray) -> RowIds:
        return RowIds(self._name, pick(self._rows, chosen))


def row_id(name: str, row: int) -> str:
    """Name a row for people."""
    return f"{name} row {row}"


def check_names(names: Sequence[str], shown: str) -> None:
    """Refuse a table of which two columns have one name.

    Parameters
    ----------
    shown : what the table is called in the message

    Raises
    ------
    DataError
        It has two such columns.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        places = ", ".join(str(i + 1) for i, name in enumerate(names) if name == twice)
        raise DataError(f"{shown} has two columns named '{twice}' (columns {places}). Rename one of them.")


def take(items: Sequence[Any], index: IntArray) -> Sequence[Any]:
    """Keep the items at `index`, packed as they were."""
    packed = getattr(items, "take", None)
    return packed(index) if packed else [items[i] for i in index]


class SpreadSample(Generic[T]):
    """Every k-th of a stream, k doubling as the stream grows: the same sample each time, and of bounded size.

    >>> sample = SpreadSample(2)
    >>> for number in range(9):
    ...     sample.offer(number)
    >>> sample.kept
    [0, 4, 8]
    """

    def __init__(self, n_wanted: int) -> None:
        self._n_wanted = n_wanted
        self._step = 1
        self._n_seen = 0
        self.kept: list[T] = []

    def offer(self, value: T) -> None:
        """See one value."""
        if self._n_seen % self._step == 0:
            self.kept.append(value)
            if len(self.kept) > 2 * self._n_wanted - 1:
                self.kept = self.kept[::2]
                self._step *= 2
        self._n_seen += 1


def transpose(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Turn rows into columns."""
    columns: list[list[Any]] = [[] for _ in names]
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
    return dict(zip(names, columns, strict=True))
