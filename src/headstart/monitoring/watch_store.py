"""The store of a live watch: one SQLite file in which the processes of a stream leave batches, and the watch keeps how far it has come.

A batch is left there before its records are acknowledged, and their keys with it; so a batch that comes again, after a crash or from another process, is
left there once. The state of the watch and the removal of the batches that it has counted are one transaction: after a crash the watch goes on
from its last state, and the batches since then are still there. No write waits for the disk: a power cut may take the last ones from the watch, whole.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from headstart.core.errors import OptionError
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.watch_batch import WatchBatch
from headstart.storage.files import storage_errors
from headstart.streaming.counted_keys import COUNTED_TABLE, count
from headstart.streaming.sqlite_table import connect, sqlite_errors, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

DATABASE = "watch.sqlite"
_LOCK = ".lock"
_TABLES = (
    COUNTED_TABLE,
    "CREATE TABLE IF NOT EXISTS batch (place INTEGER PRIMARY KEY AUTOINCREMENT, words TEXT NOT NULL, arrays BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, content BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS repeated (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO repeated VALUES (1, 0)",
    "CREATE TABLE IF NOT EXISTS period (number INTEGER PRIMARY KEY AUTOINCREMENT, seal TEXT NOT NULL, version TEXT NOT NULL, words BLOB NOT NULL, arrays BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS acknowledged (number INTEGER PRIMARY KEY AUTOINCREMENT, words TEXT NOT NULL)",
)
_N_PERIODS = 8


class Announced(NamedTuple):
    """A model that answers: its number in the order in which they did, and the files of its reference."""

    number: int
    seal: str
    version: str
    words: bytes
    arrays: bytes

    @property
    def reference(self) -> Reference:
        """What its records are compared with."""
        return Reference.from_files(self.words, self.arrays)


class _RepeatedError(Exception):
    """A key had come before; what was begun is taken back."""


class WatchStore:
    """Several processes may leave batches at the same time; one takes them.

    Parameters
    ----------
    is_watch : whether this is the one that takes them, until it is closed or its process ends

    Raises
    ------
    OptionError
        Another process takes them.
    StorageError
        The folder cannot be written, or its file is something else.
    """

    def __init__(self, folder: Path, *, is_watch: bool = False) -> None:
        self.folder = folder
        self._path = folder / DATABASE
        self._lock: IO[str] | None = None
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if is_watch:
            self._claim()
        self._database = connect(self._path, is_durable=False)
        with self._transaction():
            for table in _TABLES:
                self._database.execute(table)

    # who answers

    def leave(self, keys: Sequence[str], batch: WatchBatch) -> list[bool]:
        """Leave a batch for the watch if all of its keys are new; else nothing is left. Tell which are: of a key that is there twice, the first.

        Parameters
        ----------
        keys : of all records of the batch, also of those that could not be read
        """
        words, arrays = batch.to_bytes()
        is_new: list[bool] = []
        with suppress(_RepeatedError), self._transaction():
            is_new = count(self._database, keys)
            if not all(is_new):
                raise _RepeatedError
            self._database.execute("INSERT INTO batch (words, arrays) VALUES (?, ?)", (words, arrays))
        return is_new

    def count_repeated(self, n: int) -> None:
        """Count records that were left out, since their keys had come before."""
        with self._transaction():
            self._database.execute("UPDATE repeated SET n = n + ?", (n,))

    def n_waiting(self) -> int:
        """Batches that were left and are not in a state that was kept."""
        with sqlite_errors(self._path):
            (n,) = self._database.execute("SELECT ifnull(max(place) - min(place) + 1, 0) FROM batch").fetchone()
            return int(n)

    def announce(self, seal: str, version: str, reference: Reference) -> Announced:
        """Say that a model answers from now on, in this process; where it was the last that was announced, that stands."""
        files = reference.files()
        with self._transaction():
            last = self._database.execute("SELECT seal FROM period ORDER BY number DESC LIMIT 1").fetchone()
            if last is None or last[0] != seal:
                row = (seal, version, files[JSON_NAME], files[ARRAYS_NAME])
                self._database.execute("INSERT INTO period (seal, version, words, arrays) VALUES (?, ?, ?, ?)", row)
                self._database.execute(
                    "DELETE FROM period WHERE number <= (SELECT max(number) FROM period) - ?", (_N_PERIODS,)
                )
        found = self.announced()
        assert found is not None
        return found

    def announced(self, number: int | None = None) -> Announced | None:
        """The model that was announced last, or with a number; None where there is none."""
        which = "" if number is None else "WHERE number = ?"
        query = f"SELECT number, seal, version, words, arrays FROM period {which} ORDER BY number DESC LIMIT 1"  # noqa: S608  no word of others
        with sqlite_errors(self._path):
            row = self._database.execute(query, () if number is None else (number,)).fetchone()
        return None if row is None else Announced(*row)

    def newest(self) -> int:
        """The number of the model that was announced last, from 1; 0 where there is none."""
        with sqlite_errors(self._path):
            (n,) = self._database.execute("SELECT ifnull(max(number), 0) FROM period").fetchone()
            return int(n)

    # who knows

    def acknowledge(self, words: str) -> None:
        """Say that a person knows of what is open."""
        with self._transaction():
            self._database.execute("INSERT INTO acknowledged (words) VALUES (?)", (words,))

    def acknowledged(self, after: int) -> list[tuple[int, str]]:
        """What persons said since a number."""
        with sqlite_errors(self._path):
            return self._database.execute(
                "SELECT number, words FROM acknowledged WHERE number > ? ORDER BY number", (after,)
            ).fetchall()

    # who watches

    def after(self, place: int, n: int) -> list[tuple[int, WatchBatch]]:
        """The next batches after a place, in their order, `n` at most."""
        with sqlite_errors(self._path):
            rows = self._database.execute(
                "SELECT place, words, arrays FROM batch WHERE place > ? ORDER BY place LIMIT ?", (place, n)
            ).fetchall()
        return [(at, WatchBatch.from_bytes(words, arrays)) for at, words, arrays in rows]

    def keep(self, files: Mapping[str, bytes], place: int) -> None:
        """Keep a state that has counted all batches up to a place, which are needed no more."""
        with self._transaction():
            self._database.execute("DELETE FROM kept")
            self._database.executemany("INSERT INTO kept VALUES (?, ?)", files.items())
            self._database.execute("DELETE FROM batch WHERE place <= ?", (place,))

    def kept(self) -> dict[str, bytes]:
        """The state that was kept last; nothing where there is none."""
        with sqlite_errors(self._path):
            return dict(self._database.execute("SELECT name, content FROM kept").fetchall())

    def n_repeated(self) -> int:
        """Records that came with keys that had come before, and were not counted again."""
        with sqlite_errors(self._path):
            (n,) = self._database.execute("SELECT n FROM repeated").fetchone()
            return int(n)

    def close(self) -> None:
        """Give it up; may be called twice."""
        self._database.close()
        if self._lock is not None:
            self._lock.close()

    def _claim(self) -> None:
        with storage_errors(self.folder / _LOCK):
            lock = (self.folder / _LOCK).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise OptionError(
                f"the watch in {self.folder} is kept by another process. Wait until it has ended, or name another folder."
            ) from error
        self._lock = lock

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with sqlite_errors(self._path), transaction(self._database):
            yield
