"""ResultCache: results of slow steps on disk, so that a killed run resumes where it stopped."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.storage.sealed_file import read_sealed, write_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Arrays = dict[str, "np.ndarray[Any, Any]"]

SUFFIX = ".arrays"
_FORMAT = 1  # increased when stored results change their meaning, so that older entries are recomputed


@dataclass(frozen=True)
class ResultCache:
    """A cache of arrays by the hash of their inputs; with a folder of None, nothing is stored.

    >>> ResultCache(None).get_or_compute(("fold", 3), lambda: {"outputs": np.ones(2)})["outputs"].sum()
    np.float64(2.0)
    """

    folder: Path | None

    def get_or_compute(self, key_parts: tuple[Any, ...], compute: Callable[[], Arrays]) -> Arrays:
        """Return the arrays stored under `key_parts`, or compute and store them.

        A killed step leaves nothing behind; a damaged entry is computed again.

        Parameters
        ----------
        key_parts : tuple
            Everything the result depends on: strings, numbers, None, bytes, arrays, and tuples or dicts of these.
        compute : callable
            Returns named arrays of numbers or strings, not objects.

        Raises
        ------
        StorageError
            The disk is full, or something is in the way. In a folder that may not be written, nothing is stored.
        TypeError
            A key part has an unsupported type, which would not be reproducible.
        """
        if self.folder is None:
            return compute()
        path = self.folder / f"{digest(key_parts)}{SUFFIX}"
        kept = read_sealed(path)
        if kept is not None:
            return _unpack(kept)
        arrays = compute()
        write_sealed(path, _pack(arrays))
        return arrays


def digest(key_parts: tuple[Any, ...]) -> str:
    """Hash key parts so that different parts never collide, whatever their lengths.

    >>> digest(("ab", "c")) == digest(("a", "bc"))
    False
    """
    state = hashlib.sha256(f"headstart result cache {_FORMAT}".encode())
    for chunk in _canonical(key_parts):
        state.update(chunk)
    return state.hexdigest()


def _canonical(part: Any) -> Iterable[bytes]:
    if isinstance(part, np.ndarray):
        if part.dtype.hasobject:
            raise TypeError("a result cache key cannot hold an array of objects")
        yield f"array {part.dtype.str} {part.shape} ".encode()
        yield np.ascontiguousarray(part).tobytes()
    elif isinstance(part, dict):
        yield f"dict {len(part)} ".encode()
        for key in sorted(part):
            yield from _canonical((key, part[key]))
    elif isinstance(part, tuple | list):
        yield f"tuple {len(part)} ".encode()
        for item in part:
            yield from _canonical(item)
    else:
        yield _scalar(part)


def _scalar(part: Any) -> bytes:
    if isinstance(part, np.generic):
        part = part.item()
    if part is not None and not isinstance(part, bool | int | float | str | bytes):
        raise TypeError(f"a result cache key cannot hold a {type(part).__name__}")
    body = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
    return f"{type(part).__name__} {len(body)} ".encode() + body


def _unpack(content: bytes) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _pack(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
