"""Tables that are already in memory: frames and dicts of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, require
from headstart.data.column_kinds import SAMPLE_ROWS
from headstart.data.readers.columns import NO_PACKERS, Packers, Table, check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headstart.core.dataset import Notice
    from headstart.data.unreadable_items import UnreadableItems


class ColumnsInMemory:
    """A dict of columns, or the columns of a frame.

    Raises
    ------
    DataError
        The columns differ in length, or there are no rows.
    """

    have_types = True

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        *,
        name: str = "the data",
        folder: Path | None = None,
        notices: tuple[Notice, ...] = (),
    ) -> None:
        self.name = name
        self.notices = notices
        self.folder = folder
        self._columns = columns
        self.names = tuple(columns)
        lengths = {} if isinstance(columns, LazyColumns) else {key: len(cells) for key, cells in columns.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"'{key}' {length}" for key, length in lengths.items())
            raise DataError(f"the columns of {name} differ in length: {shown}. Give each as many values.")
        self._n_rows = columns.n_rows if isinstance(columns, LazyColumns) else next(iter(lengths.values()), 0)
        if self._n_rows == 0:
            raise DataError(f"{name} holds no rows; 1 or more were expected.")

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over the whole table."""
        step = -(-self._n_rows // SAMPLE_ROWS)
        return {name: [*cells[::step]] for name, cells in self._columns.items()}

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:  # noqa: ARG002
        """Give the columns `names`."""
        columns: dict[str, Sequence[Any]] = {}
        for name in names:
            packer = packers[name]() if name in packers else None
            if packer is not None:
                packer.extend(self._columns[name])
            columns[name] = self._columns[name] if packer is None else packer.finish()
        return Table(columns=columns, rows=range(1, self._n_rows + 1), n_rows=self._n_rows)


def is_frame(data: Any) -> bool:
    """Whether this is a frame: of pandas, polars or Arrow, or what can be given as one; none of these is imported to know it."""
    return _is_of(data, "pandas") or (
        not isinstance(data, type) and hasattr(data, "__arrow_c_stream__") and _has_columns(data)
    )


def frame_columns(frame: Any) -> Mapping[str, Sequence[Any]]:
    """Take the columns of a frame as lists of plain values, each when it is asked for.

    Raises
    ------
    DataError
        Two columns have one name.
    """
    if _is_of(frame, "pandas"):
        names = [str(name) for name in frame.columns]
        check_names(names, "the frame")
        return LazyColumns(names, len(frame), lambda place: _plain(frame.iloc[:, place]))
    if _is_of(frame, "polars") and hasattr(frame, "to_series"):
        return LazyColumns([*frame.columns], frame.height, lambda place: frame.to_series(place).to_list())
    if not _is_of(frame, "pyarrow"):
        frame = require("pyarrow", extra="train", purpose="reading such a frame").table(frame)
    check_names(frame.schema.names, "the frame")
    return LazyColumns(frame.schema.names, frame.num_rows, lambda place: frame.column(place).to_pylist())


class LazyColumns(Mapping[str, Sequence[Any]]):
    """Columns that become lists when they are asked for, so that not all are there at once.

    Parameters
    ----------
    make : gives the column at a place
    """

    def __init__(self, names: Sequence[str], n_rows: int, make: Callable[[int], list[Any]]) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._make = make
        self.n_rows = n_rows

    def __getitem__(self, name: str) -> list[Any]:
        return self._make(self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _is_of(data: Any, library: str) -> bool:
    kinds = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(data).__mro__)
    return any(kind.startswith(f"{library}.") for kind in kinds) and _has_columns(data)


def _has_columns(data: Any) -> bool:
    return hasattr(data, "columns") or hasattr(data, "column_names") or hasattr(data, "schema")


def _plain(column: Any) -> list[Any]:
    missing = column.isna().to_numpy()
    values = column.astype(object).tolist()
    return [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]
