"""Write files atomically: readers, other processes and restarts never see a partial one."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import NotWritableError, OptionError, StorageError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space"),
    errno.EFBIG: ("the file would be larger than is allowed here", "Raise the limit (ulimit -f)"),
    errno.EROFS: ("the disk is read-only", "Choose another folder"),
    errno.EACCES: ("permission denied", "Choose a folder that you may write to"),
    errno.EPERM: ("permission denied", "Choose a folder that you may write to"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Choose another path"),
    errno.EISDIR: ("it is a folder, not a file", "Choose another path"),
    errno.EEXIST: ("a file of that name is in the way", "Choose another path"),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter path"),
    errno.EBADF: ("it is not open for writing", "Choose another file"),
    errno.EIO: ("the disk reports an error", "Choose another disk"),
}
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def check_folder(folder: str | Path, purpose: str) -> None:
    """Refuse a file where a folder is wanted, before any work is done.

    Raises
    ------
    OptionError
        It is one.
    """
    if Path(folder).exists() and not Path(folder).is_dir():
        raise OptionError(f"'{folder}' is a file, and a folder is needed for the {purpose}. Name a folder.")


def cache_folder() -> Path:
    """The cache folder: `HEADSTART_CACHE`, or `~/.cache/headstart`; it may not exist.

    Everything in it can be recomputed or fetched again.

    Raises
    ------
    StorageError
        No home folder is known.
    """
    named = os.environ.get("HEADSTART_CACHE")
    try:
        return Path(named).expanduser().resolve() if named else Path.home() / ".cache" / "headstart"
    except RuntimeError as error:
        raise StorageError(
            f"the cache folder is unknown ({first_line(error)}). Set HEADSTART_CACHE to a folder that you may write to."
        ) from error


def cache_notice() -> str:
    """What is to be said of a cache that cannot be written; empty where it can."""
    folder = cache_folder()
    if _can_be_written(folder / "results"):
        return ""
    return f"{folder} cannot be written: what is computed is not kept there; HEADSTART_CACHE names another folder."


def _can_be_written(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return not nearest.is_dir() or os.access(nearest, os.W_OK | os.X_OK)  # a file in the way is an error to be said


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names `path`."""
    try:
        yield
    except OSError as error:
        number = _number_of(error)
        if number == errno.ENOENT and _is_beside(error, path):
            reason, remedy = "that folder takes no files", "Choose another folder"
        elif number in _REASONS:
            reason, remedy = _REASONS[number]
        else:
            raise
        if _is_in_cache(path):
            remedy = "Set HEADSTART_CACHE to a folder that you may write to, on a disk with free space"
        kind = NotWritableError if number in _NOT_WRITABLE else StorageError
        raise kind(f"cannot write {path}: {reason}. {remedy}, and run the same command again.") from error


def _number_of(error: OSError) -> int | None:
    """Its number; of the copy of a folder, whose errors are texts, that of the first."""
    found = re.search(r"\[Errno (\d+)\]", str(error)) if isinstance(error, shutil.Error) else None
    return int(found[1]) if found else error.errno


def _is_beside(error: OSError, path: Path) -> bool:
    """Whether it is about a file in the folder of `path`, or that folder, and not about one that was to be read elsewhere."""
    if not isinstance(error.filename, str | bytes):
        return False
    named = Path(os.fsdecode(error.filename))
    return named.parent == path.parent or named in path.parents


def check_writable(path: Path) -> None:
    """Refuse a place that takes no file, before there is anything to be written; nothing is left there.

    Raises
    ------
    StorageError
        The folder, or where it is to be made the nearest above it, cannot be written to.
    """
    path = Path(path).absolute()
    with storage_errors(path):
        nearest = next(folder for folder in path.parents if folder.exists())
    with storage_errors(nearest / path.name):
        probe = nearest / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial"
        probe.touch(exist_ok=False)
        probe.unlink()


def _is_in_cache(path: Path) -> bool:
    try:
        return path.is_relative_to(cache_folder())
    except StorageError:
        return False


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path next to `path`; the file or folder written there replaces `path` when the block ends.

    If the block raises, `path` does not change and what was written is removed.

    Parameters
    ----------
    durable : whether it must also survive a power cut: it is on the disk before it takes its place. Not for what is computed
        again wherever it is damaged

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
            if durable:
                _flush_all(partial)
            _move_over(partial, path)
            if durable:
                _flush(path.parent)
        finally:
            _remove(partial)


def write_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write `content` to `path` atomically; `durable` as for `replacing`.

    Raises
    ------
    StorageError
        The disk is full or read-only, or permission is denied.
    """
    with replacing(path, durable=durable) as partial:
        partial.write_bytes(content)


def _flush_all(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to the disk."""
    for inner in path.rglob("*") if path.is_dir() else ():
        if not inner.is_symlink():
            _flush(inner)
    _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
