"""A registry in a folder: versions are folders, aliases links, and the rest is one SQLite file."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, OptionError, StorageError, first_line
from headstart.packaging.manifest import is_bundle
from headstart.packaging.registries.log import FIRST_HASH, LogEntry, next_entry
from headstart.storage.alias import (
    CHAMPION,
    COPY_OF,
    VERSIONS,
    is_registry,
    point_alias,
    read_alias,
    remove_alias,
    version_folder,
)
from headstart.storage.files import replacing, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

DATABASE = "registry.sqlite"
_LOCK = ".lock"
_TABLES = (
    "CREATE TABLE log (n INTEGER PRIMARY KEY, at TEXT NOT NULL, step TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE TABLE comparisons (id INTEGER PRIMARY KEY, said TEXT NOT NULL, is_open INTEGER NOT NULL)",
    "CREATE TABLE counted (comparison INTEGER, key BLOB, PRIMARY KEY (comparison, key)) WITHOUT ROWID",
    "CREATE TABLE fitted (version INTEGER, key BLOB, PRIMARY KEY (version, key)) WITHOUT ROWID",
)


class FolderStore:
    """A registry in a folder. The link `champion` alone says which version answers: one rename is atomic without a transaction over two stores."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self.shown = str(folder)
        self._database = database

    def entries(self) -> list[LogEntry]:
        """All entries of the log, oldest first."""
        rows = self._database.execute("SELECT n, at, step, detail, hash FROM log ORDER BY n")
        return [LogEntry.of_row(row) for row in rows]

    def append(self, step: str, detail: Mapping[str, Any]) -> None:
        """Write an entry."""
        last = self._database.execute("SELECT n, hash FROM log ORDER BY n DESC LIMIT 1").fetchone()
        n, before = last or (0, FIRST_HASH)
        self._database.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?)", next_entry(n, before, step, detail).row())

    def alias(self, name: str) -> int | None:
        """The version that a link points at."""
        return read_alias(self.folder, name)

    def point_alias(self, name: str, number: int) -> None:
        """Move a link by one rename."""
        point_alias(self.folder, name, number)

    def remove_alias(self, name: str) -> None:
        """Take a link away."""
        remove_alias(self.folder, name)

    def comparisons(self) -> list[tuple[int, dict[str, Any]]]:
        """Comparisons that go on, the latest first."""
        rows = self._database.execute("SELECT id, said FROM comparisons WHERE is_open ORDER BY id DESC")
        return [(number, json.loads(said)) for number, said in rows]

    def keep_comparison(self, said: Mapping[str, Any], number: int | None, keys: Sequence[bytes]) -> int:
        """Keep a comparison."""
        text = json.dumps(said)
        if number is None:
            made = self._database.execute("INSERT INTO comparisons (said, is_open) VALUES (?, 1)", (text,))
            number = int(made.lastrowid or 0)
        else:
            self._database.execute("UPDATE comparisons SET said = ? WHERE id = ?", (text, number))
        self._database.executemany("INSERT OR IGNORE INTO counted VALUES (?, ?)", [(number, key) for key in keys])
        return number

    def end_comparison(self, number: int) -> None:
        """It goes on no more."""
        self._database.execute("UPDATE comparisons SET is_open = 0 WHERE id = ?", (number,))
        self._database.execute("DELETE FROM counted WHERE comparison = ?", (number,))

    def counted(self, number: int) -> set[bytes]:
        """Keys that a comparison has counted."""
        return {key for (key,) in self._database.execute("SELECT key FROM counted WHERE comparison = ?", (number,))}

    def keep_fitted(self, number: int, keys: Iterable[bytes]) -> None:
        """Keep keys that a version learned from."""
        self._database.executemany("INSERT OR IGNORE INTO fitted VALUES (?, ?)", [(number, key) for key in keys])

    def fitted(self, number: int) -> set[bytes]:
        """Keys that a version, or an earlier one, learned from."""
        return {key for (key,) in self._database.execute("SELECT key FROM fitted WHERE version <= ?", (number,))}

    def put_version(self, number: int, bundle: Path) -> tuple[int, dict[str, Any]]:
        """Copy a bundle to `versions/NUMBER`."""
        with replacing(version_folder(self.folder, number)) as partial:
            shutil.copytree(bundle, partial)
        return number, {}

    def version(self, number: int, added: Mapping[str, Any]) -> Path:  # noqa: ARG002
        """Where a version lies."""
        return version_folder(self.folder, number)

    def version_anew(self, number: int, added: Mapping[str, Any]) -> AbstractContextManager[Path]:
        """The same: what lies there is what there is."""
        return nullcontext(self.version(number, added))

    def keep_files(self, name: str, folder: Path) -> None:
        """Copy files to a folder of that name."""
        with replacing(self.folder / name) as partial:
            shutil.copytree(folder, partial)

    def kept_files(self, name: str, hashes: Mapping[str, str] | None) -> Path | None:  # noqa: ARG002
        """The folder of that name."""
        folder = self.folder / name
        return folder if folder.is_dir() else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a crash inside leaves the database as it was before."""
        with storage_errors(self.folder / DATABASE):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def step(self) -> AbstractContextManager[None]:
        """Each transaction is one of its own; what a crash leaves undone is settled later."""
        return nullcontext()

    def close(self) -> None:
        """Close the database."""
        self._database.close()


@contextmanager
def create(folder: Path) -> Iterator[FolderStore]:
    """Make an empty registry, whole or not at all: it takes its place when the block ends.

    Raises
    ------
    StorageError
        `folder` holds something, or cannot be written.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise StorageError(f"{folder} holds something already. Name a new folder for the registry.")
    with replacing(folder) as partial:
        partial.mkdir()
        database = sqlite3.connect(partial / DATABASE, isolation_level=None)
        try:
            for table in _TABLES:
                database.execute(table)
            yield FolderStore(partial, database)
        finally:
            database.close()
        (partial / _LOCK).touch()


@contextmanager
def open_to_change(folder: Path) -> Iterator[FolderStore]:
    """Open a registry that no other process may change meanwhile.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    StorageError
        Its database is damaged, or it cannot be written.
    """
    _check(folder)
    with storage_errors(folder / _LOCK), (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OptionError(f"{folder} is being changed by another process. Wait until it has ended.") from error
        with _opened(folder, "rw", isolation_level=None) as store:
            store._database.execute("PRAGMA synchronous = FULL")  # noqa: SLF001
            yield store


@contextmanager
def open_to_read(folder: Path) -> Iterator[FolderStore]:
    """Open a registry that another process may be changing.

    Raises
    ------
    OptionError
        There is no registry.
    StorageError
        Its database cannot be read.
    """
    _check(folder)
    with _opened(folder, "ro") as store:
        yield store


@contextmanager
def _opened(folder: Path, mode: str, **settings: Any) -> Iterator[FolderStore]:
    try:
        database = sqlite3.connect(f"file:{folder / DATABASE}?mode={mode}", uri=True, **settings)
        store = FolderStore(folder, database)
        try:
            yield store
        finally:
            store.close()
    except sqlite3.DatabaseError as error:
        raise damaged(folder, error) from error


def damaged(folder: Path, error: Exception) -> StorageError:
    """What is said of a registry that cannot be read."""
    return StorageError(
        f"{folder / DATABASE} cannot be read ({first_line(error)}). The champion is a bundle of its own, {folder / CHAMPION}; "
        "make a new registry of it with --init."
    )


def _check(folder: Path) -> None:
    if not is_registry(folder):
        raise OptionError(f"{folder} is no registry. {_remedy(folder)}")
    if (folder / COPY_OF).is_file():
        said = (folder / COPY_OF).read_text(encoding="utf-8")[:500]
        raise BundleError(f"{folder} is a copy of {said}, and is not changed. Name that.")


def _remedy(folder: Path) -> str:
    if is_bundle(folder):
        return f"It is a bundle; make a registry of it with: headstart update NEW_FOLDER --init {folder}"
    if (folder / VERSIONS).is_dir():
        return f"Its link '{CHAMPION}' is gone; point it at the version that is to answer: ln -s {VERSIONS}/NUMBER {folder / CHAMPION}"
    return f"Make one of a bundle with: headstart update {folder} --init BUNDLE"
