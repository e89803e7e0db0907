"""What every kind of table offers: a sample to guess from, then the wanted columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from headstart.core.errors import DataError
from headstart.data.packed_sequence import PackedSequence, pick

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from headstart.core.dataset import IntArray, Notice
    from headstart.data.unreadable_items import UnreadableItems

SAMPLE_ROWS = 2_000

T = TypeVar("T")


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

    def read(self, names: Sequence[str], bad: UnreadableItems, *, text: Collection[str] = ()) -> Table:
        """Read the columns `names`; those in `text` are packed as `Texts`."""
        ...


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
