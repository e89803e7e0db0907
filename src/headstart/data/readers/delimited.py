"""Tables as text: CSV and TSV in the encodings and separators that people have."""

from __future__ import annotations

from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.column_kinds import SAMPLE_ROWS
from headstart.data.encoding import detect_encoding
from headstart.data.readers.columns import (
    NO_PACKERS,
    ColumnReader,
    Packers,
    RowNumbers,
    SpreadSample,
    Table,
    cells_at,
    check_names,
    row_id,
    transpose,
)
from headstart.data.readers.layout import N_SNIFFED, Layout, ends_within_quotes, find_layout, open_records
from headstart.data.schema import looks_like_data
from headstart.data.shown_names import without_invisible
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from headstart.core.dataset import Notice

DELIMITED_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})


class DelimitedText:
    """CSV or TSV with a header line, wherever its characters come from; rows are streamed, never all held.

    Parameters
    ----------
    opened : opens it at its beginning
    name, shown : what rows and the whole are called in messages
    layout : found by `find_layout`
    known_columns : names of which one makes sure that the first line is a header

    Raises
    ------
    DataError
        It is empty, has no header, no rows below it, or two columns of one name.
    """

    folder: Path | None = None
    notices: tuple[Notice, ...] = ()
    have_types = False

    def __init__(
        self,
        opened: Callable[[], IO[str]],
        *,
        name: str,
        shown: str,
        layout: Layout,
        known_columns: Collection[str] = (),
    ) -> None:
        self.name = name
        self._shown = shown
        self._opened = opened
        self._layout = layout
        self.names = self._header()
        check_names(self.names, shown)
        if not {name.casefold() for name in known_columns} & {name.casefold() for name in self.names}:
            self._check_header()
        if next(self.checked_rows(), None) is None:
            raise DataError(f"{shown} has a header, and no rows below it. Add rows, or name another table.")

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over the whole file."""
        sample: SpreadSample[list[str]] = SpreadSample(SAMPLE_ROWS)
        for _, cells in self._rows(UnreadableItems(max_unreadable=1.0)):
            sample.offer(cells)
        return transpose(self.names, sample.kept)

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:
        """Read the columns `names` in one pass; ragged rows are set aside."""
        places = [self.names.index(name) for name in names]
        wanted = cells_at(places)
        columns = ColumnReader(names, packers)
        rows = RowNumbers()
        n_bad_before = len(bad)
        for number, cells in self._rows(bad):
            rows.append(number)
            columns.offer(wanted(cells))
        return Table(columns=columns.finish(), rows=rows.finish(), n_rows=len(rows) + len(bad) - n_bad_before)

    def _header(self) -> tuple[str, ...]:
        with open_records(self._opened, self._layout, self._shown) as reader:
            header: list[str] = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
        names = tuple(map(without_invisible, header))
        n_named = max((place + 1 for place, name in enumerate(names) if name), default=0)
        if not n_named:
            raise DataError(f"{self._shown} holds no rows; a header line and rows below it were expected.")
        return names[:n_named]  # behind them is a separator at the end of each line

    def _check_header(self) -> None:
        first_rows = [cells for _, cells in islice(self._rows(UnreadableItems(max_unreadable=1.0)), N_SNIFFED)]
        if looks_like_data(self.names, first_rows):
            shown = self._layout.separator.join(self.names)[:60]
            raise DataError(
                f"{self._shown} has no header: its first line looks like data ('{shown}'). "
                "Add a first line that names the columns, such as 'text,label'."
            )

    def checked_rows(self) -> Iterator[tuple[int, list[str], str]]:
        """Give number and cells of each row below the header, and why it cannot be used, which is '' for most.

        Raises
        ------
        DataError
            A quote is not closed.
        """
        n_columns = len(self.names)
        with open_records(self._opened, self._layout, self._shown) as reader:
            number = -1
            last_line = start_line = 0
            for cells in reader:
                start_line, last_line = last_line, reader.line_num
                if not any(cells) or (number < 0 and not any(cell.strip() for cell in cells)):
                    continue
                number += 1
                if number == 0:
                    continue  # the header
                if len(cells) < n_columns or any(cells[n_columns:]):
                    line = self._layout.n_lines_above + start_line + 1
                    yield number, cells, f"(line {line}) has {len(cells)} cells where the header has {n_columns}"
                else:
                    yield number, cells[:n_columns], ""  # only empty cells are cut off
            if number >= 0:
                self._check_quotes_closed(self._layout.n_lines_above + start_line, number)

    def _rows(self, bad: UnreadableItems) -> Iterator[tuple[int, list[str]]]:
        """Give (row number, cells) of the rows that fit the header; the others go to `bad`."""
        for number, cells, reason in self.checked_rows():
            if reason:
                bad.add(row_id(self.name, number), reason)
            else:
                yield number, cells

    def _check_quotes_closed(self, n_lines_before: int, number: int) -> None:
        """An open quote swallows the rest of the file without a word from the reader."""
        with self._opened() as file:
            last_row = list(islice(file, n_lines_before, None))
        if ends_within_quotes(last_row, self._layout.separator):
            where = f"row {number}" if number else "header"
            raise DataError(
                f"{self._shown} {where} (line {n_lines_before + 1}) opens a quote that is never closed. "
                "Close it, or double the quote if it belongs to the text."
            )


class DelimitedFile(DelimitedText):
    """A CSV or TSV file, in whatever encoding.

    Raises
    ------
    DataError
        It is empty, no text, has no header, or two columns of one name.
    """

    def __init__(self, path: Path, *, known_columns: Collection[str] = ()) -> None:
        encoding, self.notices = detect_encoding(path)
        self.folder = path.parent

        def opened() -> IO[str]:
            return path.open(encoding=encoding, newline="")

        layout = find_layout(opened, "\t" if path.suffix.lower() in (".tsv", ".tab") else None)
        super().__init__(opened, name=path.name, shown=f"'{path}'", layout=layout, known_columns=known_columns)
