"""Store: open windows in one SQLite file that all workers of a stream share; each batch is one transaction.

What came, which records were counted, and how far time has gone change together or not at all. So a batch that comes again, after a crash
or from another worker, is counted once.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from headstart.core.errors import OptionError
from headstart.streaming.counted_keys import COUNTED_TABLE
from headstart.streaming.counted_keys import count as count_keys
from headstart.streaming.sqlite_table import sqlite_errors
from headstart.streaming.windows.aggregate import Aggregate, Observed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.streaming.windows.settings import WindowSettings

_IDLE_S = 10.0
_BUSY_S = 30.0
MAX_LATE = 100_000
"""Late counts that are remembered, by window and group; of windows before these, a count begins anew where one more record is late."""
_TRIM_LATE = """
DELETE FROM late WHERE (start, stop) IN (SELECT start, stop FROM late ORDER BY stop, start LIMIT max(0, (SELECT count(*) FROM late) - ?))
AND (start, stop) NOT IN (SELECT start, stop FROM late WHERE is_new)
"""
_TABLES = """
CREATE TABLE IF NOT EXISTS said (name TEXT PRIMARY KEY, value);
CREATE TABLE IF NOT EXISTS worker (number INTEGER PRIMARY KEY, newest INTEGER, seen_s REAL, has_ended INTEGER);
CREATE TABLE IF NOT EXISTS open (start INTEGER, stop INTEGER, grp TEXT, content TEXT, PRIMARY KEY (grp, start, stop));
CREATE INDEX IF NOT EXISTS open_stop ON open (stop);
CREATE TABLE IF NOT EXISTS closed (start INTEGER, stop INTEGER, grp TEXT, content TEXT, PRIMARY KEY (grp, start, stop));
CREATE TABLE IF NOT EXISTS late (
    start INTEGER, stop INTEGER, grp TEXT, n INTEGER, is_new INTEGER, PRIMARY KEY (grp, start, stop));
"""


class Event(NamedTuple):
    """A record as it is counted: key, microseconds since 1970 (None: it has no time), group, what is counted."""

    key: str
    time_us: int | None
    group: str
    counted: Observed


class Window(NamedTuple):
    """A window of one group; microseconds since 1970."""

    start: int
    stop: int
    group: str
    aggregate: Aggregate


class Late(NamedTuple):
    """How many records came after the window that they belong to was written."""

    start: int
    stop: int
    group: str
    n: int


class Store:
    """Windows that are not written yet.

    Parameters
    ----------
    worker, n_workers : time has gone as far as the slowest worker that has had records in the last ten seconds

    Raises
    ------
    OptionError
        The file is of windows of another kind.
    """

    def __init__(self, path: Path, settings: WindowSettings, *, worker: int = 0, n_workers: int = 1) -> None:
        self._path = path
        self._assigner = settings.assigner()
        self._lateness_us = settings.lateness_us()
        self._worker = worker
        with sqlite_errors(path):
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            with self._transaction():
                for statement in (COUNTED_TABLE, *_TABLES.split(";\n")):
                    self._db.execute(statement)
                self._register(n_workers)
                said = json.dumps(settings.said(), sort_keys=True)
                known = self._get("settings", said)
        if known != said:
            raise OptionError(
                f"{path} holds windows of other settings: {known}. Give the same, or another folder for --state."
            )

    def close(self) -> None:
        """End; may be called twice."""
        self._db.close()

    def count(self, events: Sequence[Event]) -> None:
        """Count records that have not been counted, and close the windows that are over."""
        with self._transaction():
            are_new = count_keys(self._db, [one.key for one in events])
            new = [one for one, is_new in zip(events, are_new, strict=True) if is_new]
            self._raise("repeated", len(events) - len(new))
            self._raise("untimed", sum(one.time_us is None for one in new))
            horizon = self._get("horizon", None)
            pieces: dict[tuple[int, int, str], Aggregate] = {}
            for one in new:
                self._place(one, horizon, pieces)
            for (start, stop, group), piece in pieces.items():
                self._add(start, stop, group, piece)
            self._advance(max((one.time_us for one in new if one.time_us is not None), default=None))

    def end(self) -> None:
        """Count no more of this worker: its records have ended. With the last worker's, all windows are over."""
        with self._transaction():
            self._db.execute("UPDATE worker SET has_ended = 1 WHERE number = ?", (self._worker,))
            (n_going,) = self._db.execute("SELECT count(*) FROM worker WHERE NOT has_ended").fetchone()
            (last,) = self._db.execute("SELECT max(stop) FROM open").fetchone()
            if not n_going and last is not None:
                self._close_until(last)

    def closed(self) -> tuple[list[Window], list[Late]]:
        """What is to be written: windows, whole for each stretch of time, and late counts that changed."""
        with sqlite_errors(self._path):
            windows = self._db.execute("SELECT start, stop, grp, content FROM closed ORDER BY start, stop, grp")
            late = self._db.execute(
                "SELECT start, stop, grp, n FROM late WHERE (start, stop) IN (SELECT start, stop FROM late WHERE is_new) ORDER BY start, stop, grp"
            )
            return [Window(start, stop, group, Aggregate.from_json(said)) for start, stop, group, said in windows], [
                Late(*row) for row in late
            ]

    def written(self, windows: Sequence[Window], late: Sequence[Late]) -> None:
        """These need not be written again."""
        with self._transaction():
            for one in windows:
                self._db.execute(
                    "DELETE FROM closed WHERE (grp, start, stop) = (?, ?, ?)", (one.group, one.start, one.stop)
                )
            for row in late:
                self._db.execute(
                    "UPDATE late SET is_new = 0 WHERE (grp, start, stop, n) = (?, ?, ?, ?)",
                    (row.group, row.start, row.stop, row.n),
                )
            self._raise("written", len(windows))
            if late:
                self._db.execute(_TRIM_LATE, (MAX_LATE,))

    def counts(self) -> dict[str, int]:
        """Give all there were: `written` windows; `late`, `untimed` and `repeated` records, which are in none or were already."""
        with sqlite_errors(self._path):
            return {name: self._read(name, 0) for name in ("written", "late", "untimed", "repeated")}

    # inside a transaction

    def _register(self, n_workers: int) -> None:
        """Make this worker known; the first one of a stream makes room for all."""
        now = time.time()
        self._db.execute("DELETE FROM worker WHERE number >= ?", (n_workers,))
        for number in range(n_workers):
            self._db.execute("INSERT OR IGNORE INTO worker VALUES (?, NULL, ?, 0)", (number, now))
        self._db.execute("UPDATE worker SET has_ended = 0, seen_s = ? WHERE number = ?", (now, self._worker))

    def _place(self, one: Event, horizon: int | None, pieces: dict[tuple[int, int, str], Aggregate]) -> None:
        """Add a record to the pieces of its windows; one that came too late for any is counted as late there."""
        if one.time_us is None:
            return
        is_late = False
        for start, stop in self._assigner.windows(one.time_us):
            if self._assigner.gap_us is not None:
                start, stop = self._session(start, stop, one.group, pieces)  # noqa: PLW2901  the whole session
            if horizon is not None and stop <= horizon:
                is_late = True
                self._db.execute(
                    "INSERT INTO late VALUES (?, ?, ?, 1, 1) ON CONFLICT DO UPDATE SET n = n + 1, is_new = 1",
                    (start, stop, one.group),
                )
            else:
                pieces.setdefault((start, stop, one.group), Aggregate()).add(one.counted)
        self._raise("late", int(is_late))

    def _session(
        self, start: int, stop: int, group: str, pieces: dict[tuple[int, int, str], Aggregate]
    ) -> tuple[int, int]:
        """Join every session that a new one touches into one, and give where that begins and ends."""
        touching = self._db.execute(
            "SELECT start, stop, content FROM open WHERE grp = ? AND start < ? AND stop > ?", (group, stop, start)
        ).fetchall()
        joined = Aggregate()
        found = [(a, b) for a, b, g in pieces if g == group and a < stop and b > start]
        for a, b, content in touching:
            joined.merge(Aggregate.from_json(content))
            self._db.execute("DELETE FROM open WHERE (grp, start, stop) = (?, ?, ?)", (group, a, b))
        for a, b in found:
            joined.merge(pieces.pop((a, b, group)))
        whole = [(start, stop), *found, *((a, b) for a, b, _ in touching)]
        first, last = min(a for a, _ in whole), max(b for _, b in whole)
        if joined.n:
            pieces[first, last, group] = joined
        return first, last

    def _add(self, start: int, stop: int, group: str, piece: Aggregate) -> None:
        where = (group, start, stop)
        row = self._db.execute("SELECT content FROM open WHERE (grp, start, stop) = (?, ?, ?)", where).fetchone()
        if row is not None:
            piece.merge(Aggregate.from_json(row[0]))
        self._db.execute("INSERT OR REPLACE INTO open VALUES (?, ?, ?, ?)", (start, stop, group, piece.to_json()))

    def _advance(self, newest: int | None) -> None:
        """Move this worker's time on, and close what all of them are past."""
        now = time.time()
        self._db.execute("UPDATE worker SET seen_s = ? WHERE number = ?", (now, self._worker))
        if newest is not None:
            self._db.execute(
                "UPDATE worker SET newest = max(ifnull(newest, ?), ?) WHERE number = ?", (newest, newest, self._worker)
            )
        times = self._db.execute(
            "SELECT newest FROM worker WHERE NOT has_ended AND (seen_s > ? OR number = ?)",
            (now - _IDLE_S, self._worker),
        ).fetchall()
        if all(one is not None for (one,) in times):
            self._close_until(min(one for (one,) in times) - self._lateness_us)

    def _close_until(self, horizon: int) -> None:
        known = self._get("horizon", None)
        if known is not None and horizon <= known:
            return
        self._db.execute("INSERT OR REPLACE INTO said VALUES ('horizon', ?)", (horizon,))
        self._db.execute("INSERT OR REPLACE INTO closed SELECT * FROM open WHERE stop <= ?", (horizon,))
        self._db.execute("DELETE FROM open WHERE stop <= ?", (horizon,))

    def _raise(self, name: str, by: int) -> None:
        if by:
            self._db.execute(
                "INSERT INTO said VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value", (name, by)
            )

    def _get(self, name: str, default: Any) -> Any:
        """Read what is said, or say it where nothing is."""
        if default is not None:
            self._db.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", (name, default))
        return self._read(name, default)

    def _read(self, name: str, default: Any) -> Any:
        row = self._db.execute("SELECT value FROM said WHERE name = ?", (name,)).fetchone()
        return default if row is None else row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with sqlite_errors(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
