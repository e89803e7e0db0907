"""Counted keys: which records were counted already, in a table beside what they are counted in, so that both change together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

N_REMEMBERED = 200_000
COUNTED_TABLE = "CREATE TABLE IF NOT EXISTS counted (place INTEGER PRIMARY KEY AUTOINCREMENT, record INTEGER UNIQUE)"


def count(database: sqlite3.Connection, keys: Sequence[str]) -> list[bool]:
    """Count keys inside the transaction of the caller, and tell which are new, of a key that is there twice the first; the last 200,000 are remembered."""
    found = [
        database.execute("INSERT OR IGNORE INTO counted (record) VALUES (?)", (_digest(key),)).rowcount == 1
        for key in keys
    ]
    database.execute("DELETE FROM counted WHERE place <= (SELECT max(place) FROM counted) - ?", (N_REMEMBERED,))
    return found


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)
