"""Tables of typed cells: JSON Lines and Parquet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from headstart.core.errors import DataError, require
from headstart.data.column_kinds import SAMPLE_ROWS
from headstart.data.encoding import detect_encoding
from headstart.data.readers.columns import (
    NO_PACKERS,
    ColumnReader,
    Packers,
    RowNumbers,
    SpreadSample,
    Table,
    check_names,
    row_id,
    transpose,
)
from headstart.data.readers.frames import ColumnsInMemory
from headstart.data.readers.label_studio import flat_task, flat_tasks, is_task
from headstart.data.unreadable_items import UnreadableItems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.core.dataset import Notice

JSON_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})


class JsonLines:
    """One JSON object a line; a column is a key, and a row that lacks it has None there."""

    have_types = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.folder: Path | None = path.parent
        self._encoding, self.notices = detect_encoding(path)
        self._sample = self._take_sample()
        keys = dict.fromkeys(key for record in self._sample for key in record)
        self.names = tuple(keys)
        if not self.names:
            raise DataError(f"'{path}' holds no records; a JSON object a line was expected, {_EXAMPLE}.")

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from lines spread over the whole file."""
        return transpose(self.names, ([record.get(name) for name in self.names] for record in self._sample))

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:
        """Read the keys `names`; lines that are no JSON object are set aside."""
        columns = ColumnReader(names, packers)
        rows = RowNumbers()
        n_bad_before = len(bad)
        for number, record in self._records(bad):
            rows.append(number)
            columns.offer([record.get(name) for name in names])
        return Table(columns=columns.finish(), rows=rows.finish(), n_rows=len(rows) + len(bad) - n_bad_before)

    def _take_sample(self) -> list[dict[str, Any]]:
        sample: SpreadSample[dict[str, Any]] = SpreadSample(SAMPLE_ROWS)
        bad = UnreadableItems(max_unreadable=1.0)
        for _, record in self._records(bad):
            sample.offer(record)
        if bad and not sample.kept:
            raise DataError(f"'{self.path}': {bad.found[0][0]} {bad.found[0][1]}.")
        return sample.kept

    def _records(self, bad: UnreadableItems) -> Iterator[tuple[int, dict[str, Any]]]:
        with self.path.open(encoding=self._encoding) as file:
            for number, record in read_json_lines(file, self.name, bad):
                yield number, flat_task(record) if is_task(record) else record


def open_json(path: Path) -> ColumnsInMemory:
    """Open a JSON document that is a list of objects, one a row.

    Raises
    ------
    DataError
        It is something else.
    """
    encoding, _ = detect_encoding(path)
    try:
        records = json.loads(path.read_text(encoding=encoding))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            f"'{path}' is not JSON ({str(error)[:60]}). A list of objects was expected, [{_EXAMPLE[8:]}, …]."
        ) from error
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise DataError(
            f"'{path}' is JSON, but not a list of objects, one a row. Write it so, or write one object a line into a .jsonl file."
        )
    records, notices = flat_tasks(records)
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [record.get(name) for record in records] for name in names}
    return ColumnsInMemory(columns, name=path.name, folder=path.parent, notices=notices)


class ParquetFile:
    """An Apache Parquet file; only the wanted columns are read."""

    have_types = True
    notices: tuple[Notice, ...] = ()

    def __init__(self, path: Path) -> None:
        parquet = require("pyarrow.parquet", extra="train", purpose="reading Parquet")
        self.path = path
        self.name = path.name
        self.folder: Path | None = path.parent
        try:
            self._file = parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise DataError(f"'{path}' is not a Parquet file that can be read. Write it again, or as CSV.") from error
        self.names = tuple(name for name in self._file.schema_arrow.names if not name.startswith("__index_level_"))
        check_names(self.names, f"'{path}'")
        if self._file.metadata.num_rows < 1:
            raise DataError(f"'{path}' holds no rows; rows with a text or an image, and a label, were expected.")

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over the whole file."""
        sample: dict[str, list[Any]] = {name: [] for name in self.names}
        for cells_of in self._batches(self.names, step=-(-self._file.metadata.num_rows // SAMPLE_ROWS)):
            for name, cells in cells_of.items():
                sample[name].extend(cells)
        return sample

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:  # noqa: ARG002
        """Read the columns `names`."""
        columns = ColumnReader(names, packers)
        n_rows = 0
        for batch in self._batches(names):
            n_rows += max(map(len, batch.values()), default=0)
            columns.extend(batch)
        return Table(columns=columns.finish(), rows=range(1, n_rows + 1), n_rows=n_rows)

    def _batches(self, names: Sequence[str], step: int = 1) -> Iterator[dict[str, list[Any]]]:
        """Cells of every `step`-th row, some thousand rows at a time."""
        from pyarrow import ArrowException

        n_before = 0
        try:
            for batch in self._file.iter_batches(batch_size=8_192, columns=list(names)):
                wanted = batch.take(list(range(-n_before % step, batch.num_rows, step))) if step > 1 else batch
                n_before += batch.num_rows
                yield wanted.to_pydict()
        except (
            ArrowException,
            OSError,
            ValueError,
            OverflowError,
        ) as error:  # bytes that are no text, years beyond 9999
            reason = " ".join(str(error).split())[:80]
            raise DataError(f"'{self.path}' is damaged or cut off ({reason}). Write it again, or as CSV.") from error


_EXAMPLE = 'such as {"text": "never arrived", "label": "delivery"}'


def read_json_lines(file: TextIO, name: str, bad: UnreadableItems) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give (row number, object) of each line; lines that are no JSON object go to `bad`."""
    number = 0
    for line in file:
        if not line.strip():
            continue
        number += 1
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            bad.add(row_id(name, number), f"is not JSON ({str(error)[:60]}); a JSON object a line was expected")
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            bad.add(row_id(name, number), f"is a JSON {type(record).__name__}; an object was expected, {_EXAMPLE}")
