"""A file of JSON lines that is only ever added to: durable, whole lines, each key once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headstart.core.errors import StorageError
from headstart.storage.files import storage_errors
from headstart.streaming.json_lines import key_of, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from headstart.streaming.record import Output

N_KEYS = 200_000
_TAIL_BYTES = 64 << 20


class AppendedFile:
    """Adds outputs; several processes may add to one file.

    Parameters
    ----------
    n_keys : how many of the last keys are known, also of those that were written before it was opened

    Attributes
    ----------
    n_left_out : outputs whose key was there already
    """

    def __init__(self, path: Path, *, n_keys: int = N_KEYS) -> None:
        self._path = path
        self._n_keys = n_keys
        self._known: dict[bytes, None] = {}
        self._end = 0  # up to which its keys are known
        self._descriptor: int | None = None
        self.n_left_out = 0

    def open(self) -> None:
        """Open it, cut off what a killed process left of a line, and learn the last keys.

        Raises
        ------
        StorageError
            It cannot be written, or its last line is none of ours.
        """
        self.close()
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            with self._locked() as descriptor:
                self._learn(descriptor)

    def append(self, outputs: Sequence[Output]) -> None:
        """Add those whose keys are new; they are on the disk when this returns.

        Raises
        ------
        StorageError
            The disk is full, or takes no more; then nothing of them is there.
        """
        with storage_errors(self._path), self._locked() as descriptor:
            self._learn(descriptor)
            fresh: dict[bytes, bytes] = {}
            for output in outputs:
                digest = _digest(output.key)
                if digest not in self._known:
                    fresh.setdefault(digest, line_of(output.value))
            if fresh:
                self._add(descriptor, b"".join(fresh.values()))
        self.n_left_out += len(outputs) - len(fresh)
        self._remember(fresh)

    def close(self) -> None:
        """Close it; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._known, self._end = {}, 0

    @contextmanager
    def _locked(self) -> Iterator[int]:
        assert self._descriptor is not None
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield self._descriptor
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _add(self, descriptor: int, content: bytes) -> None:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._end)
            raise
        self._end += len(content)

    def _learn(self, descriptor: int) -> None:
        """Learn the keys that are there since it was last looked at, also those that other processes have added."""
        size = os.fstat(descriptor).st_size
        if size == self._end:
            return
        start = max(0, size - _TAIL_BYTES, self._end if self._end < size else 0)
        tail = os.pread(descriptor, size - start, start)
        is_cut = start > self._end  # in the middle of a line
        self._end = self._mend(descriptor, tail, size)
        lines = tail.split(b"\n")[1 if is_cut else 0 :]
        keys = (key_of(line) for line in lines[-self._n_keys - 1 :])
        self._remember(_digest(key) for key in keys if key is not None)

    def _remember(self, digests: Iterable[bytes]) -> None:
        self._known.update(dict.fromkeys(digests))
        while len(self._known) > self._n_keys:
            del self._known[next(iter(self._known))]

    def _mend(self, descriptor: int, tail: bytes, size: int) -> int:
        """Cut off half a last line that a killed process has left; end one that is whole but for its line feed. Give the size then."""
        last = tail.rpartition(b"\n")[2]
        if not last:
            return size
        if _is_whole(last):
            _write_all(descriptor, b"\n")
            return size + 1
        if not last.startswith(b"{"):
            raise StorageError(
                f"{self._path} ends in half a line that is no answer ('{last[:40].decode(errors='replace')}'). Name another file."
            )
        os.ftruncate(descriptor, size - len(last))
        return size - len(last)


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=12).digest()
