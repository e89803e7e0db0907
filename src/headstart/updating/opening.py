"""Make a registry of a bundle, and open one: a single process at a time may change it."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, StorageError, first_line
from headstart.packaging.opening import load_bundle
from headstart.storage.alias import CHAMPION, is_registry, point_alias, version_folder
from headstart.storage.files import replacing, storage_errors
from headstart.updating import log
from headstart.updating.registry import DATABASE, TABLES, Registry, seal_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = ".lock"


def create_registry(folder: str | Path, bundle: str | Path) -> None:
    """Make a registry whose champion is a bundle, whole or not at all.

    Raises
    ------
    BundleError
        The bundle is missing or damaged.
    StorageError
        `folder` holds something, or cannot be written.
    """
    folder, bundle = Path(folder), Path(bundle)
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise StorageError(f"{folder} holds something already. Name a new folder for the registry.")
    load_bundle(bundle)
    with replacing(folder) as partial:
        partial.mkdir()
        shutil.copytree(bundle, version_folder(partial, 1))
        database = sqlite3.connect(partial / DATABASE)
        with database:
            for table in TABLES:
                database.execute(table)
            log.append(database, "added", {"version": 1, "how": "given", "seal": seal_of(version_folder(partial, 1))})
            log.append(database, "created", {"champion": 1})
        database.close()
        point_alias(partial, CHAMPION, 1)
        (partial / _LOCK).touch()


@contextmanager
def open_registry(folder: str | Path) -> Iterator[Registry]:
    """Open a registry to change it, and settle what a crash has left undone.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    StorageError
        Its database is damaged, or it cannot be written.
    """
    folder = _registry_folder(folder)
    with storage_errors(folder / _LOCK), (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OptionError(f"{folder} is being changed by another process. Wait until it has ended.") from error
        with _database_errors(folder):
            database = sqlite3.connect(f"file:{folder / DATABASE}?mode=rw", uri=True, isolation_level=None)
            database.execute("PRAGMA synchronous = FULL")
            registry = Registry(folder, database)
            registry.settle()
        with registry:
            yield registry


@contextmanager
def look_into(folder: str | Path) -> Iterator[Registry]:
    """Open a registry to read it alone, also while another process changes it; a step that is under way is seen before it or after it.

    Raises
    ------
    OptionError
        There is no registry.
    StorageError
        Its database cannot be read.
    """
    folder = _registry_folder(folder)
    address = f"file:{folder / DATABASE}?mode=ro"
    with _database_errors(folder), Registry(folder, sqlite3.connect(address, uri=True)) as registry:
        yield registry


def _registry_folder(folder: str | Path) -> Path:
    folder = Path(folder)
    if not is_registry(folder):
        raise OptionError(
            f"{folder} is no registry. Make one of a bundle with: headstart update {folder} --init BUNDLE"
        )
    return folder


@contextmanager
def _database_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, KeyError) as error:
        raise StorageError(
            f"{folder / DATABASE} cannot be read ({first_line(error)}). The champion is a bundle of its own, {folder / CHAMPION}; "
            "make a new registry of it with --init."
        ) from error
