"""Matrix: the features of one dataset, in memory while they are few, else in a file of the cache."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import numpy as np

from headstart.core.errors import NotWritableError
from headstart.storage.files import storage_errors

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

LARGEST_IN_MEMORY_MIB = 64


class Matrix:
    """An (n, dimensions) array of float32 that is written block by block and begins as NaN.

    Above 64 MiB it lies in a file without a name, which goes when the array goes, whatever ends the process: in `folder`, or where
    temporary files are kept if that may not be written. It is written as a context, and ends with its block; the array stays.
    """

    def __init__(self, n: int, dimensions: int, folder: Path) -> None:
        self._shape = (n, dimensions)
        self._folder = folder
        self._row_bytes = 4 * dimensions
        self._file: IO[bytes] | None = None
        self._array = np.empty((0, dimensions), np.float32)
        if n * self._row_bytes > LARGEST_IN_MEMORY_MIB << 20:
            self._file = _temporary_file(folder)
        else:
            self._array = np.full(self._shape, np.nan, np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, start: int, block: NDArray[np.float32]) -> None:
        """Set the rows from `start`.

        Raises
        ------
        StorageError
            The disk is full.
        """
        if self._file is None:
            self._array[start : start + len(block)] = block
            return
        with storage_errors(self._folder):
            os.pwrite(self._file.fileno(), np.ascontiguousarray(block, np.float32).tobytes(), start * self._row_bytes)

    def array(self) -> NDArray[np.float32]:
        """Give the whole; mapped from the file if it is in one (changes to it stay private)."""
        if self._file is None:
            return self._array
        return np.memmap(self._file, np.float32, mode="c", shape=self._shape)


def _temporary_file(folder: Path) -> IO[bytes]:
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(dir=folder)
    except NotWritableError:
        with storage_errors(Path(tempfile.gettempdir())):
            return tempfile.TemporaryFile()
