"""Store: feature vectors on disk, found by the content of their item.

`data.f32` holds rows of float32, `index` a record for each row: the item's key, a checksum of key and row, and whether a batch ends
here. A batch is written under a lock, first its rows, then its records: after a kill it is there as a whole or not at all, and
what was half written is cut off by the next writer. A row whose checksum is wrong counts as missing. In a folder that may not be
written, what is there is read and nothing is added.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import NotWritableError
from headstart.storage.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

KEY_DTYPE = np.dtype("S16")
_RECORD = np.dtype([("key", KEY_DTYPE), ("checksum", "<u4"), ("ends_batch", "<u4")])


class Store:
    """Rows of one length in one folder, shared safely by threads and processes.

    Parameters
    ----------
    folder : made if it is missing
    dimensions : length of a row
    """

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder = folder
        self.dimensions = dimensions
        self._row_bytes = 4 * dimensions
        self._data, self._index = folder / "data.f32", folder / "index"
        self._is_writable = True
        try:
            with storage_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                for path in (self._data, self._index):
                    path.open("ab").close()
        except NotWritableError:
            self._is_writable = False

    def find(self, keys: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Give the row number of each key, -1 where there is none; of rows with the same key the newest counts."""
        known = self._records()["key"]
        if not len(known):
            return np.full(len(keys), -1, np.int64)
        order = np.argsort(known, kind="stable")
        places = np.searchsorted(known, keys, side="right", sorter=order) - 1
        rows = order[np.maximum(places, 0)].astype(np.int64)
        return np.where(known[rows] == keys, rows, -1)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read rows, shape (n, dimensions): NaN where a number is -1 or where the checksum is wrong.

        Rows are read rather than mapped: mapped pages would count as this process's memory.
        """
        block = np.full((len(rows), self.dimensions), np.nan, np.float32)
        records = self._records()
        if not len(records):
            return block
        with self._data.open("rb") as data:
            for i, row in enumerate(rows):
                if row < 0:
                    continue
                found = os.pread(data.fileno(), self._row_bytes, int(row) * self._row_bytes)
                if row < len(records) and len(found) == self._row_bytes and _is_sound(records[row], found):
                    block[i] = np.frombuffer(found, "<f4")
        return block

    def append(self, keys: NDArray[np.bytes_], rows: NDArray[np.float32]) -> None:
        """Add one batch, as a whole or not at all.

        Raises
        ------
        StorageError
            The disk is full.
        """
        if not self._is_writable:
            return
        rows = np.ascontiguousarray(rows, "<f4")
        records = np.zeros(len(keys), _RECORD)
        records["key"] = keys
        records["checksum"] = [_checksum(key, row.tobytes()) for key, row in zip(records["key"], rows, strict=True)]
        records["ends_batch"][-1:] = 1
        with storage_errors(self._data), self._lock(), self._data.open("r+b") as data, self._index.open("r+b") as index:
            n_rows = len(self._records())
            _write_at(data, n_rows * self._row_bytes, rows.tobytes())
            _write_at(index, n_rows * _RECORD.itemsize, records.tobytes())

    def _records(self) -> NDArray[Any]:
        """Read the records of whole batches whose rows are all there."""
        if not (self._index.is_file() and self._data.is_file()):
            return np.empty(0, _RECORD)
        content = self._index.read_bytes()
        records = np.frombuffer(content[: len(content) // _RECORD.itemsize * _RECORD.itemsize], _RECORD)
        records = records[: self._data.stat().st_size // self._row_bytes]
        ends = np.flatnonzero(records["ends_batch"])
        return records[: ends[-1] + 1 if len(ends) else 0]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file unlocks it


def _checksum(key: bytes, row: bytes) -> int:
    """Of both, so that a damaged key never finds the row of another."""
    return zlib.crc32(row, zlib.crc32(key))


def _is_sound(record: np.void, row: bytes) -> bool:
    return _checksum(record["key"], row) == record["checksum"]


def _write_at(file: Any, offset: int, content: bytes) -> None:
    """Write behind what counts, and drop what a killed writer left there."""
    file.truncate(offset)
    file.seek(offset)
    file.write(content)
    file.flush()
