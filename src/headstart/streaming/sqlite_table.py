"""A table of SQLite: opened so that what is written is durable, with names that may be anything."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, ServiceError, StorageError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.streaming.address import Address

_BUSY_S = 10.0
_TURN_S = 0.001


def quoted(name: str) -> str:
    """A name as SQL has it.

    >>> quoted("to do")
    '"to do"'
    """
    return '"' + name.replace('"', '""') + '"'


def path_of(address: Address) -> Path:
    """Where the database lies.

    Raises
    ------
    OptionError
        The address names none.
    """
    if not address.path.strip("/"):
        raise OptionError(f"{address.text} names no database. Write sqlite:///folder/queue.db?table=NAME.")
    return Path(address.path)


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say what SQLite says as errors of Headstart: a database that is locked may be tried again."""
    try:
        yield
    except sqlite3.OperationalError as error:
        said = first_line(error)
        if "locked" in said or "busy" in said:
            raise ServiceError(f"{path} is locked by another process ({said}).") from error
        if "no such table" in said or "no such column" in said:
            raise OptionError(f"{path}: {said}. Name what is there with ?table=, ?id=, ?content=.") from error
        raise StorageError(f"cannot use {path}: {said}. Look at its folder's permissions and free space.") from error
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} is no SQLite database that can be used ({first_line(error)}). Name another, or move the file away."
        ) from error


def connect(path: Path, *, is_durable: bool = True) -> sqlite3.Connection:
    """Open a database; each statement is its own transaction.

    Parameters
    ----------
    is_durable : whether what is written survives a power cut too, and not only the end of the process; each write waits for the disk then
    """
    with sqlite_errors(path):
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
        connection.execute(
            "PRAGMA busy_timeout=1"
        )  # `transaction` waits: the library sleeps longer and longer, up to 100 ms
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write several statements as one, or none; others that write are waited for."""
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_TURN_S)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
