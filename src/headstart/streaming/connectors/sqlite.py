"""A table of SQLite: a queue that several workers share, or answers by their keys."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import OptionError, ServiceError
from headstart.streaming.connector import EndOfStream
from headstart.streaming.holder import LEASE_S, is_gone, new_holder
from headstart.streaming.json_lines import text_of
from headstart.streaming.record import Delivery, Record
from headstart.streaming.sqlite_table import connect, path_of, quoted, sqlite_errors, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.record import Output

_POLL_S = (0.002, 0.05)
_DONE = "done"
_RENEW_S = LEASE_S / 30
_COUNT_PART = 50  # times as long as it takes to look at all rows that wait, nobody does so again


class Sqlite:
    """The connector."""

    inlet_options: ClassVar[dict[str, str]] = {
        "table": "The queue; 'queue' if not given. It is made where it is not there.",
        "id": "Column that tells its rows apart; 'id' if not given.",
        "content": "Column with the text, the JSON or the photo; 'content' if not given.",
        "state": "Column that is 'done' of what is answered; 'state' if not given. It is added where it is not there.",
        "partition": "Column whose equal values stay with one worker, in order.",
        "follow": "1 (the default): wait for more rows; 0: end when all are done.",
    }
    outlet_options: ClassVar[dict[str, str]] = {"table": "Where answers go; 'answers' if not given."}

    def inlet(self, address: Address) -> Inlet:
        """Read a table."""
        return SqliteInlet(address)

    def outlet(self, address: Address) -> Outlet:
        """Write to a table."""
        return SqliteOutlet(address)


class SqliteInlet:
    """Rows whose state is not done, in the order in which they were put there.

    A row that is taken has its holder and the time in the column of states, so that no other takes it; that of a process that has
    ended is free again.
    """

    def __init__(self, address: Address) -> None:
        named = address.options.get
        self._address = address
        self._path = path_of(address)
        self._table = quoted(named("table") or "queue")
        self._id, self._content = quoted(named("id") or "id"), quoted(named("content") or "content")
        self._state = quoted(named("state") or "state")
        self._partition = quoted(named("partition") or named("id") or "id")
        self._follows = address.flag("follow", default=True)
        self._holder = new_holder()
        self._connection: sqlite3.Connection | None = None
        self._renewed_s = 0.0
        self._held: set[int] = set()
        self._seen = -1  # the version of the database in which nothing was free
        self._floor = 0  # all rows below it are done
        self._next = 0  # no row from the floor to here was free when it was last looked at
        self._next_count_s = 0.0

    async def open(self) -> None:
        """Open the database, and make the table and its column of states where they are not there."""
        await self.close()
        self._connection = await asyncio.to_thread(self._opened)

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Claim rows; looks again while there are none, in growing steps."""
        end = time.monotonic() + timeout_s
        wait_s = _POLL_S[0]
        while True:
            rows = await asyncio.to_thread(self._claim, n) if self._may_have_more() else []
            if rows:
                return [self._delivery(*row) for row in rows]
            if not self._follows and not self._held:
                raise EndOfStream
            left_s = end - time.monotonic()
            if left_s <= 0:
                return []
            await asyncio.sleep(min(wait_s, left_s))
            wait_s = min(2 * wait_s, _POLL_S[1])

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Mark rows as done."""
        await asyncio.to_thread(self._mark, [one.token for one in deliveries], _DONE)
        self._held.difference_update(one.token for one in deliveries)

    async def close(self) -> None:
        """Give back what is held."""
        connection = self._connection
        if connection is None:
            return
        try:
            with suppress(ServiceError):  # where the database stays locked, `open` does it
                await asyncio.to_thread(self._mark, list(self._held), None)
        finally:
            self._held.clear()
            self._connection = None
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise OptionError(
                f"there is no database {self._path}. Check the path of --from, or make one with a table {self._table}."
            )
        connection = connect(
            self._path, is_durable=False
        )  # of claims a power cut may lose the last: the rows come again
        with sqlite_errors(self._path), transaction(connection):
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} ({self._id} INTEGER PRIMARY KEY, {self._content}, {self._state} TEXT)"
            )
            columns = [quoted(row[1]) for row in connection.execute(f"PRAGMA table_info({self._table})")]
            self._check(columns)
            if self._state not in columns:
                connection.execute(f"ALTER TABLE {self._table} ADD COLUMN {self._state} TEXT")
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {quoted('headstart ' + self._table[1:-1])} ON {self._table} ({self._state}) "
                f"WHERE {self._state} IS NOT '{_DONE}'"
            )
            connection.execute(
                f"UPDATE {self._table} SET {self._state} = NULL WHERE {self._state} IS NOT '{_DONE}' "  # noqa: S608  quoted
                f"AND {self._state} LIKE '% ' || ?",
                (self._holder,),
            )
        connection.create_function("is_mine", 1, self._is_mine, deterministic=True)
        connection.create_function("is_free", 1, self._is_free)
        self._seen = -1
        return connection

    def _check(self, columns: Sequence[str]) -> None:
        """Refuse a column that is not there: SQLite takes the name of such a one for a text."""
        for column in (self._id, self._content, self._partition):
            if column not in columns:
                raise OptionError(
                    f"the table {self._table} of {self._path} has no column {column}; it has {', '.join(columns)}. "
                    "Name those that are there with ?id=, ?content=, ?partition=."
                )

    def _is_mine(self, partition: Any) -> bool:
        return self._address.is_mine(str(partition))

    def _is_free(self, state: str | None) -> bool:
        if not state or " " not in state:
            return state != _DONE
        since, _, holder = state.partition(" ")
        return holder != self._holder and is_gone(holder, float(since))

    def _may_have_more(self) -> bool:
        """Whether anything was written since nothing was free; what a dead process held is looked for now and then."""
        assert self._connection is not None
        if time.monotonic() - self._renewed_s > _RENEW_S:
            return True
        with sqlite_errors(self._path):
            return bool(self._connection.execute("PRAGMA data_version").fetchone()[0] != self._seen)

    def _claim(self, n: int) -> list[tuple[int, Any, Any, Any]]:
        assert self._connection is not None
        mine = "" if self._address.n_workers == 1 else f"AND is_mine({self._partition})"
        free = (
            f"SELECT rowid, {self._id}, {self._content}, {self._partition} FROM {self._table} NOT INDEXED "  # noqa: S608  quoted
            f"WHERE rowid >= ? AND is_free({self._state}) {mine} ORDER BY rowid LIMIT ?"
        )
        rows: list[tuple[int, Any, Any, Any]] = []
        with sqlite_errors(self._path):
            seen = self._connection.execute("PRAGMA data_version").fetchone()[0]
            is_due = time.monotonic() - self._renewed_s > _RENEW_S
            # looking keeps nobody from writing, claiming does
            if is_due or self._has_free(free):
                with transaction(self._connection):
                    if is_due:
                        self._renew()
                    rows = self._connection.execute(free, (self._next, n)).fetchall()
                    self._set([row[0] for row in rows], f"{time.time():.0f} {self._holder}")
        if rows:
            self._next = rows[-1][0] + 1
        self._held.update(row[0] for row in rows)
        self._seen = -1 if len(rows) == n else seen
        return rows

    def _has_free(self, free: str) -> bool:
        """Whether a row is free behind those that were taken last; if not, whether one was given back before them."""
        assert self._connection is not None
        if self._connection.execute(free, (self._next, 1)).fetchone():
            return True
        self._next = self._floor
        return self._connection.execute(free, (self._next, 1)).fetchone() is not None

    def _renew(self) -> None:
        """Say that what is held is still being worked at, for processes of other machines; and find where the rows begin that are not done."""
        assert self._connection is not None
        self._renewed_s = time.monotonic()
        self._set(list(self._held), f"{time.time():.0f} {self._holder}")
        undone = f"FROM {self._table} {{}} WHERE {self._state} IS NOT '{_DONE}'"
        found: Any
        if self._renewed_s >= self._next_count_s:  # all rows, also such as were set back
            found = self._connection.execute(f"SELECT min(rowid) {undone.format('')}").fetchone()
            self._next_count_s = time.monotonic() + _COUNT_PART * (time.monotonic() - self._renewed_s)
        else:
            first = f"SELECT rowid {undone.format('NOT INDEXED')} AND rowid >= ? ORDER BY rowid LIMIT 1"
            found = self._connection.execute(first, (self._floor,)).fetchone() or (None,)
        if found[0] is None:
            found = self._connection.execute(f"SELECT ifnull(max(rowid), -1) + 1 FROM {self._table}").fetchone()  # noqa: S608  quoted
        self._floor = self._next = found[0]

    def _mark(self, rows: list[int], state: str | None) -> None:
        assert self._connection is not None
        with sqlite_errors(self._path), transaction(self._connection):
            self._set(rows, state)

    def _set(self, rows: list[int], state: str | None) -> None:
        assert self._connection is not None
        if rows:
            self._connection.executemany(
                f"UPDATE {self._table} SET {self._state} = ? WHERE rowid = ?",  # noqa: S608  quoted
                [(state, row) for row in rows],
            )

    def _delivery(self, row: int, row_id: Any, content: Any, partition: Any) -> Delivery:
        if isinstance(content, str) and content[:1] == "{":
            content = content.encode()
        key = f"{self._table[1:-1]}:{row_id}"
        record = Record(key=key, content=content, partition=str(partition))
        raw = content if isinstance(content, bytes) else str(content).encode()
        return Delivery(record=record, token=row, raw=raw)


class SqliteOutlet:
    """Rows of key and answer; a key that is there already is left as it is."""

    is_idempotent = True

    def __init__(self, address: Address) -> None:
        self._path = path_of(address)
        self._table = quoted(address.options.get("table") or "answers")
        self._connection: sqlite3.Connection | None = None
        self.n_left_out = 0

    async def open(self) -> None:
        """Open the database, and make the table where it is not there."""
        await self.close()
        self._connection = await asyncio.to_thread(self._opened)

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write answers, in one transaction."""
        await asyncio.to_thread(self._insert, outputs)

    async def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        connection = connect(self._path)
        with sqlite_errors(self._path):
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} (key TEXT PRIMARY KEY, content TEXT NOT NULL, time REAL)"
            )
            connection.execute(f"SELECT key, content, time FROM {self._table} LIMIT 1")  # noqa: S608  quoted
        return connection

    def _insert(self, outputs: Sequence[Output]) -> None:
        assert self._connection is not None
        rows = [(one.key, text_of(one.value), one.time) for one in outputs]
        before = self._connection.total_changes
        with sqlite_errors(self._path), transaction(self._connection):
            self._connection.executemany(
                f"INSERT INTO {self._table} (key, content, time) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",  # noqa: S608  quoted
                rows,
            )
        self.n_left_out += len(rows) - (self._connection.total_changes - before)
