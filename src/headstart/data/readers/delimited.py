"""Tables as text: CSV and TSV in the encodings and separators that people have."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.encoding import detect_encoding
from headstart.data.readers.columns import SAMPLE_ROWS, SpreadSample, Table, row_id, transpose
from headstart.data.schema import looks_like_data
from headstart.data.shown_names import without_invisible
from headstart.data.text import TextPacker
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

DELIMITED_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
_SEPARATORS = ",;\t|"
_CELL_LIMIT_CHARACTERS = 16 << 20
_N_SNIFFED = 200
_SEPARATOR_LINE = re.compile(r'"?sep=(\\t|.)"?\s*', re.IGNORECASE)
_LONGEST_SEPARATOR_LINE = 20


class DelimitedFile:
    """A CSV or TSV file with a header line; rows are streamed, never all held.

    Raises
    ------
    DataError
        It is empty, no text, has no header, or two columns of one name.
    """

    def __init__(self, path: Path, *, header_is_sure: bool = False) -> None:
        self.path = path
        self.name = path.name
        self.folder: Path | None = path.parent
        self._encoding, self.notices = detect_encoding(path)
        self._n_lines_above, self._separator = _sniff_separator(path, self._encoding)
        self.names = self._header()
        self._check_names()
        if not header_is_sure:
            self._check_header()

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over the whole file."""
        sample: SpreadSample[list[str]] = SpreadSample(SAMPLE_ROWS)
        for _, cells in self._rows(UnreadableItems(max_unreadable=1.0)):
            sample.offer(cells)
        return transpose(self.names, sample.kept)

    def read(self, names: Sequence[str], bad: UnreadableItems, *, text: Collection[str] = ()) -> Table:
        """Read the columns `names` in one pass; ragged rows are set aside."""
        places = [(self.names.index(name), name) for name in names]
        packers = {name: TextPacker() for name in names if name in text}
        seen: dict[str, str] = {}  # one object for each distinct cell: labels repeat
        cells_of: dict[str, list[str]] = {name: [] for name in names if name not in packers}
        rows: list[int] = []
        n_bad_before = len(bad)
        for number, cells in self._rows(bad):
            rows.append(number)
            for place, name in places:
                if name in packers:
                    packers[name].append(cells[place])
                else:
                    cells_of[name].append(seen.setdefault(cells[place], cells[place]))
        columns: dict[str, Sequence[Any]] = {**cells_of, **{name: one.finish() for name, one in packers.items()}}
        return Table(columns=columns, rows=_as_range(rows), n_rows=len(rows) + len(bad) - n_bad_before)

    def _header(self) -> tuple[str, ...]:
        with _records(self.path, self._encoding, self._separator, self._n_lines_above) as reader:
            header: list[str] = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
        names = tuple(map(without_invisible, header))
        while names and not names[-1]:
            names = names[:-1]  # a separator at the end of each line
        if not names:
            raise DataError(f"'{self.path}' holds no rows; a header line and rows below it were expected.")
        return names

    def _check_names(self) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            places = ", ".join(str(i + 1) for i, name in enumerate(self.names) if name == twice[0])
            raise DataError(f"'{self.path}' has two columns named '{twice[0]}' (columns {places}). Rename one of them.")

    def _check_header(self) -> None:
        first_rows = [cells for _, cells in islice(self._rows(UnreadableItems(max_unreadable=1.0)), _N_SNIFFED)]
        if looks_like_data(self.names, first_rows):
            shown = self._separator.join(self.names)[:60]
            raise DataError(
                f"'{self.path}' has no header: its first line looks like data ('{shown}'). "
                "Add a first line that names the columns, such as 'text,label'."
            )

    def _rows(self, bad: UnreadableItems) -> Iterator[tuple[int, list[str]]]:
        """Give (row number, cells) of the rows that fit the header; the others go to `bad`."""
        n_columns = len(self.names)
        with _records(self.path, self._encoding, self._separator, self._n_lines_above) as reader:
            number = -1
            last_line = start_line = 0
            for cells in reader:
                start_line, last_line = last_line, reader.line_num
                if not any(cells) or (number < 0 and not any(cell.strip() for cell in cells)):
                    continue
                number += 1
                if number == 0:
                    continue  # the header
                if len(cells) != n_columns:
                    if any(cells[n_columns:]) or len(cells) < n_columns:
                        bad.add(
                            row_id(self.name, number),
                            f"(line {self._n_lines_above + start_line + 1}) has {len(cells)} cells where the header has {n_columns}",
                        )
                        continue
                    cells = cells[:n_columns]  # noqa: PLW2901  only empty cells are cut off
                yield number, cells
            if last_line - start_line > 1:
                self._check_quotes_closed(self._n_lines_above + start_line, number)

    def _check_quotes_closed(self, n_lines_before: int, number: int) -> None:
        """An open quote swallows the rest of the file without a word from the reader."""
        with self.path.open(encoding=self._encoding, newline="") as file:
            n_quotes = sum(line.count('"') for line in islice(file, n_lines_before, None))
        if n_quotes % 2:
            raise DataError(
                f"'{self.path}' row {number} (line {n_lines_before + 1}) opens a quote that is never closed. "
                "Close it, or double the quote if it belongs to the text."
            )


@contextmanager
def _records(path: Path, encoding: str, separator: str, n_lines_above: int) -> Iterator[Any]:
    """A reader of what stands below the first lines, which are no part of the table."""
    limit = csv.field_size_limit(_CELL_LIMIT_CHARACTERS)
    try:
        with path.open(encoding=encoding, newline="") as file:
            for _ in range(n_lines_above):
                file.readline()
            reader = csv.reader(file, delimiter=separator)
            try:
                yield reader
            except csv.Error as error:
                raise DataError(
                    f"'{path}' cannot be read near line {reader.line_num} ({error}). "
                    "Look for a quote that is not closed."
                ) from error
    finally:
        csv.field_size_limit(limit)


def _sniff_separator(path: Path, encoding: str) -> tuple[int, str]:
    """How many lines stand above the table, and the separator: as a first line 'sep=;' says, else as the rows are cut best."""
    with path.open(encoding=encoding, newline="") as file:
        said = _SEPARATOR_LINE.fullmatch(file.readline(_LONGEST_SEPARATOR_LINE))
    if said:
        return 1, "\t" if said[1] == "\\t" else said[1]
    return 0, "\t" if path.suffix.lower() in (".tsv", ".tab") else _best_separator(path, encoding)


def _best_separator(path: Path, encoding: str) -> str:
    """Choose the separator that cuts the first rows into the same number of cells, and into most of them."""
    scores = []
    for separator in _SEPARATORS:
        with _records(path, encoding, separator, 0) as reader:
            widths = Counter(len(cells) for cells in islice(reader, _N_SNIFFED) if any(cells))
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        agreement = count / max(sum(widths.values()), 1)
        scores.append((agreement if width > 1 else 0.0, width, separator))
    agreement, width, separator = max(scores, key=lambda score: (round(score[0], 1), score[1]))
    return separator if width > 1 and agreement > 0 else ","


def _as_range(rows: list[int]) -> Sequence[int]:
    """Numbers without a gap are kept as a range: a few bytes for any number of rows."""
    if rows and rows[-1] - rows[0] == len(rows) - 1:
        return range(rows[0], rows[-1] + 1)
    return rows
