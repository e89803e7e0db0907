"""Aliases: a name in a folder that points at another folder in it, and that changes in one atomic step."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from headstart.core.errors import StorageError
from headstart.storage.files import storage_errors

if TYPE_CHECKING:
    from pathlib import Path

CHAMPION, CHALLENGER = "champion", "challenger"
VERSIONS = "versions"
COPY_OF = ".copy_of"  # in a copy of a registry that is no folder: which it is


def is_registry(folder: Path) -> bool:
    """Whether a folder has versions and a champion among them."""
    return (folder / CHAMPION).is_symlink() and (folder / VERSIONS).is_dir()


def registry_of(path: Path) -> Path | None:
    """The registry that a path is, or of which it is a version or an alias; None if it is of none."""
    return next((one for one in (path, path.parent, path.resolve().parent.parent) if is_registry(one)), None)


def read_alias(folder: Path, name: str) -> int | None:
    """The number of the version that an alias points at; None if there is no such alias.

    Raises
    ------
    StorageError
        It points at something else than a version.
    """
    try:
        target = str((folder / name).readlink())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"{folder / name} is no alias. Take it away, and point a link of that name at {VERSIONS}/NUMBER."
        ) from error
    parent, _, number = target.rpartition("/")
    if parent != VERSIONS or not number.isdecimal():
        raise StorageError(f"{folder / name} points at '{target}', and {VERSIONS}/NUMBER was expected.")
    return int(number)


def version_folder(folder: Path, number: int) -> Path:
    """Where a version lies."""
    return folder / VERSIONS / str(number)


def point_alias(folder: Path, name: str, number: int) -> None:
    """Point an alias at a version: by one rename, so that at every moment there is exactly one.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    partial = folder / f".{name}.{secrets.token_hex(4)}.partial"
    with storage_errors(folder / name):
        partial.symlink_to(f"{VERSIONS}/{number}")
        partial.replace(folder / name)
        flush_folder(folder)


def remove_alias(folder: Path, name: str) -> None:
    """Take an alias away, if it is there."""
    with storage_errors(folder / name):
        (folder / name).unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
