"""Write files atomically: readers, other processes and restarts never see a partial one."""

from __future__ import annotations

import atexit
import errno
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space",
    errno.EDQUOT: "the disk quota is used up. Free some space",
    errno.EFBIG: "the file would be larger than is allowed here. Raise the limit (ulimit -f)",
    errno.EROFS: "the disk is read-only. Choose another folder",
    errno.EACCES: "permission denied. Choose a folder that you may write to",
    errno.EPERM: "permission denied. Choose a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file, not a folder. Choose another path",
    errno.EISDIR: "it is a folder, not a file. Choose another path",
    errno.EEXIST: "a file of that name is in the way. Choose another path",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter path",
    errno.EIO: "the disk reports an error. Choose another disk",
}


def cache_folder() -> Path:
    """The cache folder: `HEADSTART_CACHE`, or `~/.cache/headstart`; it may not exist.

    Everything in it can be recomputed or fetched again.
    """
    named = os.environ.get("HEADSTART_CACHE")
    return Path(named).expanduser().resolve() if named else Path.home() / ".cache" / "headstart"


def work_folder(part: str) -> Path:
    """The folder of the cache for what is computed: `features`, `results` or `tuning`; one for this process where that is read-only.

    So a cache that holds the weights alone, such as in the image of a container, serves a fit.
    """
    folder = cache_folder() / part
    return folder if _can_be_written(folder) else Path(_temporary_folder()) / part


def cache_notice() -> str:
    """What is to be said of a cache that cannot be written; empty where it can."""
    folder = cache_folder()
    if _can_be_written(folder / "results"):
        return ""
    return f"{folder} cannot be written: what is computed is kept while this process runs alone; HEADSTART_CACHE names another folder."


def _can_be_written(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return not nearest.is_dir() or os.access(nearest, os.W_OK | os.X_OK)  # a file in the way is an error to be said


@cache
def _temporary_folder() -> str:
    folder = tempfile.mkdtemp(prefix="headstart-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names `path`."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            raise
        if path.is_relative_to(cache_folder()):
            reason += ", or name another folder for the cache with HEADSTART_CACHE"
        raise StorageError(f"cannot write {path}: {reason}, and run the same command again.") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; the file or folder written there replaces `path` when the block ends.

    If the block raises, `path` does not change and what was written is removed.

    Raises
    ------
    StorageError
        The disk is full or read-only, or permission is denied.
    """
    path = Path(path).absolute()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
        try:
            yield partial
            _move_over(partial, path)
        finally:
            _remove(partial)


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically.

    Raises
    ------
    StorageError
        The disk is full or read-only, or permission is denied.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


def _move_over(partial: Path, path: Path) -> None:
    if partial.is_dir() and path.is_dir():
        # a folder cannot replace a non-empty one: move that aside first, so that the gap is two renames long
        aside = partial.with_name(partial.name + "-old")
        path.rename(aside)
        partial.rename(path)
        _remove(aside)
    else:
        partial.replace(path)


def _sweep(path: Path) -> None:
    """Remove what killed processes left next to `path`."""
    for left in path.parent.glob(f".{path.name}.*.partial*"):
        owner = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            _remove(left)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
