"""Read single files from an archive into memory: nothing is unpacked, no link is followed, and sizes are limited."""

from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_MEMBER_BYTES = 4 << 30


def read_members(archive: Path, paths: Sequence[str], *, limit: int = MAX_MEMBER_BYTES) -> dict[str, bytes]:
    """Read files from a zip or tar archive by path, in the given order.

    Parameters
    ----------
    limit : maximum size of one decompressed file, in bytes

    Raises
    ------
    SourceError
        The archive is damaged, or a file is missing, not a regular file, or larger than `limit`.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as box:
                for path in paths:
                    _check(archive, path, box.getinfo(path).file_size, limit)
                return {path: box.read(path) for path in paths}
        with tarfile.open(archive) as tar:
            return {path: _from_tar(archive, tar, path, limit) for path in paths}
    except (KeyError, OSError, EOFError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SourceError(
            f"{archive.name}: cannot read {paths[0]} ({error}). Remove {archive} and run again."
        ) from error


def _from_tar(archive: Path, tar: tarfile.TarFile, path: str, limit: int) -> bytes:
    member = tar.getmember(path)
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        raise SourceError(f"{archive.name}: {path} is not a file.")
    _check(archive, path, member.size, limit)
    return file.read()


def _check(archive: Path, path: str, size: int, limit: int) -> None:
    """Check the declared size; neither kind of archive yields more bytes than that."""
    if size > limit:
        raise SourceError(f"{archive.name}: {path} has {size} bytes, at most {limit} are allowed. Do not use it.")
