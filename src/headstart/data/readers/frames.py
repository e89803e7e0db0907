"""Tables that are already in memory: frames and dicts of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.readers.columns import SAMPLE_ROWS, Table, check_names
from headstart.data.text import Texts
from headstart.data.values import is_null

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
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
        lengths = {key: len(cells) for key, cells in columns.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"'{key}' {length}" for key, length in lengths.items())
            raise DataError(f"the columns of {name} differ in length: {shown}. Give each as many values.")
        self._n_rows = next(iter(lengths.values()), 0)
        if self._n_rows == 0:
            raise DataError(f"{name} holds no rows; rows with a text or an image, and a label, were expected.")

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over the whole table."""
        step = -(-self._n_rows // SAMPLE_ROWS)
        return {name: [cells[i] for i in range(0, self._n_rows, step)] for name, cells in self._columns.items()}

    def read(self, names: Sequence[str], bad: UnreadableItems, *, text: Collection[str] = ()) -> Table:  # noqa: ARG002
        """Give the columns `names`."""
        columns: dict[str, Sequence[Any]] = {name: self._columns[name] for name in names}
        for name in set(columns).intersection(text):
            columns[name] = Texts.of("" if is_null(cell) else str(cell) for cell in columns[name])
        return Table(columns=columns, rows=range(1, self._n_rows + 1), n_rows=self._n_rows)


def is_frame(data: Any) -> bool:
    """Whether this is a pandas frame; pandas is not imported to know it."""
    return any(
        f"{kind.__module__}.{kind.__qualname__}".startswith("pandas.") for kind in type(data).__mro__
    ) and hasattr(data, "columns")


def frame_columns(frame: Any) -> dict[str, list[Any]]:
    """Take the columns of a frame as lists of plain values.

    Raises
    ------
    DataError
        Two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    check_names(names, "the frame")
    return {name: _plain(frame.iloc[:, place]) for place, name in enumerate(names)}


def _plain(column: Any) -> list[Any]:
    missing = column.isna().to_numpy()
    values = column.astype(object).tolist()
    return [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]
