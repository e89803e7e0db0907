"""Texts: many strings in little memory."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.packed_sequence import PackedSequence
from headstart.storage.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headstart.core.dataset import IntArray

_IN_MEMORY_BYTES = 16 << 20


class Texts(PackedSequence[str]):
    """Strings packed one after the other: 16 bytes of memory a text, however long; beyond 16 MiB they lie on disk.

    Made by `Texts.of` or a `TextPacker`.

    >>> texts = Texts.of(["kiwi", "plum"])
    >>> texts[1], list(texts.take(np.array([1, 0])))
    ('plum', ['plum', 'kiwi'])
    """

    def __init__(self, store: bytes | _UnnamedFile, starts: IntArray, lengths: IntArray) -> None:
        self._store = store
        self._starts = starts
        self._lengths = lengths

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Pack texts."""
        packer = TextPacker()
        for text in texts:
            packer.append(text)
        return packer.finish()

    def __len__(self) -> int:
        return len(self._starts)

    def _value(self, position: int) -> str:
        start, length = int(self._starts[position]), int(self._lengths[position])
        if isinstance(self._store, bytes):
            return self._store[start : start + length].decode()
        return self._store.read(length, start).decode()

    def _part(self, chosen: slice | IntArray) -> Texts:
        return Texts(self._store, self._starts[chosen], self._lengths[chosen])

    def __reduce__(self) -> tuple[Any, ...]:
        return Texts.of, (list(self),)


class TextPacker:
    """Packs texts as they come, and moves them to an unnamed file when they grow large."""

    def __init__(self, in_memory_bytes: int = _IN_MEMORY_BYTES) -> None:
        self._limit = in_memory_bytes
        self._buffer = bytearray()
        self._file: _UnnamedFile | None = None
        self._ends = array("q")
        self._end = 0

    def append(self, text: str) -> None:
        """Add one text; halves of characters, which no tokenizer takes, become question marks."""
        packed = text.encode("utf-8", "replace")
        self._buffer += packed
        self._end += len(packed)
        self._ends.append(self._end)
        if len(self._buffer) > self._limit:
            self._spill()

    def finish(self) -> Texts:
        """Give the texts; nothing may be added afterwards."""
        ends = np.array(self._ends, dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64) if len(ends) else ends
        if self._file is None:
            return Texts(bytes(self._buffer), starts, ends - starts)
        self._spill()
        return Texts(self._file, starts, ends - starts)

    def _spill(self) -> None:
        if self._file is None:
            self._file = _UnnamedFile()
        self._file.write(self._buffer)
        self._buffer.clear()


class _UnnamedFile:
    """A file without a name: it is gone when the last that reads it is gone, killed or not."""

    def __init__(self) -> None:
        with storage_errors(Path(tempfile.gettempdir())):
            self._descriptor, name = tempfile.mkstemp(prefix="headstart-")
            Path(name).unlink()

    def write(self, content: bytes | bytearray) -> None:
        with storage_errors(Path(tempfile.gettempdir())):
            n_written = 0
            while n_written < len(content):
                n_written += os.write(self._descriptor, content[n_written:])

    def read(self, length: int, start: int) -> bytes:
        return os.pread(self._descriptor, length, start)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


def read_text_file(path: Path) -> str:
    """Read a whole text file, whatever its encoding.

    Raises
    ------
    DataError
        It cannot be opened, is empty, or is no text.
    """
    from headstart.data.encoding import detect_encoding

    encoding, _ = detect_encoding(path)
    return path.read_text(encoding=encoding)
