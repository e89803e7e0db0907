"""Label store: true labels by key, on the disk before anyone hears that they were taken; the last one holds, and none is forgotten."""

from __future__ import annotations

import csv
import json
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Self

from headstart.core.errors import DataError, StorageError
from headstart.data.encoding import detect_encoding
from headstart.data.readers.layout import find_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_TABLE = """CREATE TABLE IF NOT EXISTS labels (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, label TEXT NOT NULL, time REAL NOT NULL, given_by TEXT NOT NULL)"""
_INDEX = "CREATE INDEX IF NOT EXISTS labels_by_key ON labels (key, number)"
_HEADS = ("label", "target", "true", "truth")
_KEY_HEADS = ("key", "id")
_WAIT_S = 30.0


class LabelStore:
    """A file of SQLite; several processes may read and write it at the same time.

    Parameters
    ----------
    path : made where it is not there

    Raises
    ------
    StorageError
        The file is something else, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._refusals():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            try:
                self._database.execute("PRAGMA journal_mode=WAL")
                self._database.execute("PRAGMA synchronous=FULL")  # a label that was taken survives a power cut
                self._database.execute(_TABLE)
                self._database.execute(_INDEX)
            except sqlite3.Error:
                self._database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def give(self, labels: Iterable[tuple[str, Any]], *, by: str = "") -> int:
        """Keep labels by key, all of them or none; give their number.

        Parameters
        ----------
        labels : a key and a label each: a text, a number, or a list of texts
        by : who gave them
        """
        now = time.time()
        rows = [(key, json.dumps(label, ensure_ascii=False), now, by) for key, label in labels]
        with self._refusals(), self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany("INSERT INTO labels (key, label, time, given_by) VALUES (?, ?, ?, ?)", rows)
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        return len(rows)

    def current(self) -> dict[str, Any]:
        """The label of each key, the last that was given; in the order in which these came."""
        found = self._rows("SELECT key, label FROM labels WHERE number IN (SELECT MAX(number) FROM labels GROUP BY key) ORDER BY number")  # fmt: skip
        return {key: json.loads(label) for key, label in found}

    def history(self, key: str) -> list[dict[str, Any]]:
        """All labels that a key was given, with when (seconds since 1970) and by whom."""
        found = self._rows("SELECT label, time, given_by FROM labels WHERE key = ? ORDER BY number", key)
        return [{"label": json.loads(label), "time": at, "by": by} for label, at, by in found]

    def after(self, number: int) -> list[tuple[int, str, Any]]:
        """Number, key and label of what was given after a number; 0 gives all."""
        found = self._rows("SELECT number, key, label FROM labels WHERE number > ? ORDER BY number", number)
        return [(at, key, json.loads(label)) for at, key, label in found]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self, words: str, *values: Any) -> list[Any]:
        with self._refusals(), self._lock:
            return self._database.execute(words, values).fetchall()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the labels in '{self.path}' cannot be read or written ({error}). Name a file that headstart label made, or a new one."
            ) from error


def read_label_rows(path: Path) -> list[tuple[int, str, str]]:
    """Read a CSV file of keys and labels: line, key and label of each row, in their order; in the encodings and separators that people have.

    With a header that has `key` and `label` other columns are ignored, and rows without a label; else there are two columns, with a header
    where the first is called `key` or `id`, or the second `label`, `target`, `true` or `truth`.

    Raises
    ------
    DataError
        It cannot be read, or a row has not two cells.
    """
    try:
        opened = _opener(path)
        layout = find_layout(opened)
        with opened() as file:
            reader = csv.reader(file, delimiter=layout.separator, strict=True)
            rows = [(reader.line_num, row) for row in reader if row and reader.line_num > layout.n_lines_above]
    except (OSError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"'{path}' cannot be read ({said}). A CSV file of keys and labels is needed.") from error
    names = [name.strip().lower() for name in rows[0][1]] if rows else []
    if "key" in names and "label" in names:
        return _named(path, rows[1:], names)
    for line, row in rows:
        if len(row) != 2:
            raise DataError(f"'{path}' line {line} has {len(row)} cells; a key and a label are needed.")
    has_header = bool(names) and (names[0] in _KEY_HEADS or names[1] in _HEADS)
    body = rows[1:] if has_header else rows
    return [(line, row[0].strip(), row[1].strip()) for line, row in body if row[1].strip()]  # a blank is no label yet


def _opener(path: Path) -> Callable[[], IO[str]]:
    encoding = detect_encoding(path)[0] if path.stat().st_size else "utf-8"
    return lambda: path.open(encoding=encoding, newline="")


def _named(path: Path, rows: Sequence[tuple[int, list[str]]], names: list[str]) -> list[tuple[int, str, str]]:
    key, label = names.index("key"), names.index("label")
    found = []
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(f"'{path}' line {line} has {len(row)} cells; its header has {len(names)}.")
        if row[label].strip():
            found.append((line, row[key].strip(), row[label].strip()))
    return found
