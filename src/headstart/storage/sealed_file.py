"""Files of a cache that carry a hash of their content and of their name: whatever is damaged counts as missing."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from headstart.core.errors import NotWritableError
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

_BEGINNING = b"headstart sealed 1\n"
_SEAL_BYTES = hashlib.sha256().digest_size


def write_sealed(path: Path, content: bytes) -> None:
    """Keep `content` at `path`, whole or not at all; where the place may not be written, it is not kept.

    Raises
    ------
    StorageError
        The disk is full, or something is in the way.
    """
    with suppress(NotWritableError):  # a read-only cache still serves what is in it
        write_file(path, _BEGINNING + _seal(path, content) + content, durable=False)


def read_sealed(path: Path) -> bytes | None:
    """Give what was kept at `path`; None if there is nothing, or if a single bit of it has changed."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    start = len(_BEGINNING) + _SEAL_BYTES
    content = kept[start:]
    return content if kept[:start] == _BEGINNING + _seal(path, content) else None


def _seal(path: Path, content: bytes) -> bytes:
    """The name is hashed too, so that no entry is taken for another."""
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()
