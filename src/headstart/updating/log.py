"""The log of a registry: each entry holds a hash of itself and of the one before, so that a changed entry shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

FIRST_HASH = "0" * 64
TABLE = "CREATE TABLE log (n INTEGER PRIMARY KEY, at TEXT NOT NULL, step TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL)"


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One step.

    Attributes
    ----------
    n : 1 for the first
    at : time in UTC, ISO 8601
    step : what happened, in a word or two
    detail : figures and names
    hash : SHA-256 of the hash before and of all else here
    """

    n: int
    at: str
    step: str
    detail: dict[str, Any] = field(default_factory=dict)
    hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return asdict(self)

    def hash_after(self, before: str) -> str:
        """The hash that it must have."""
        content = json.dumps([before, self.n, self.at, self.step, self.detail], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def append(database: sqlite3.Connection, step: str, detail: dict[str, Any]) -> LogEntry:
    """Write an entry behind the last one, inside the transaction of the caller."""
    last = database.execute("SELECT n, hash FROM log ORDER BY n DESC LIMIT 1").fetchone() or (0, FIRST_HASH)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    detail = json.loads(json.dumps(detail))
    entry = LogEntry(n=last[0] + 1, at=now, step=step, detail=detail)
    entry = LogEntry(n=entry.n, at=now, step=step, detail=detail, hash=entry.hash_after(last[1]))
    database.execute(
        "INSERT INTO log VALUES (?, ?, ?, ?, ?)", (entry.n, now, step, json.dumps(detail, sort_keys=True), entry.hash)
    )
    return entry


def read(database: sqlite3.Connection) -> list[LogEntry]:
    """All entries, oldest first."""
    rows = database.execute("SELECT n, at, step, detail, hash FROM log ORDER BY n")
    return [LogEntry(n=n, at=at, step=step, detail=json.loads(detail), hash=said) for n, at, step, detail, said in rows]


def first_broken(entries: list[LogEntry]) -> int | None:
    """The number of the first entry that is not as it was written, or before which one is missing; None if all are whole."""
    before = FIRST_HASH
    for expected, entry in enumerate(entries, 1):
        if entry.n != expected or entry.hash != entry.hash_after(before):
            return expected
        before = entry.hash
    return None
