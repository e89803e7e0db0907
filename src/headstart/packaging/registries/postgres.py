"""A registry in PostgreSQL: tables `headstart_registry_…`, which registries of one database share; files are kept once, by their SHA-256."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, StorageError, require
from headstart.packaging.registries.log import FIRST_HASH, LogEntry, next_entry
from headstart.packaging.registries.remote import RemoteStore, no_registry
from headstart.storage import postgres
from headstart.storage.alias import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from headstart.packaging.registries.address import RegistryAddress

_PURPOSE = "a registry in PostgreSQL"
_WHAT = "the registry"
_PART_BYTES = 4 << 20
_PATIENCE_S = 1.0  # in which the server notices that a process which had the right was killed
_MAX_ENTRIES, _MAX_DETAIL = 100_000, 1 << 20  # of the log; characters
_MAX_KEYS = 20_000_000
_PREFIX = "headstart_registry_"
_TABLES = {
    "log": "registry text, n bigint, at text NOT NULL, step text NOT NULL, detail text NOT NULL, hash text NOT NULL, PRIMARY KEY (registry, n)",
    "aliases": "registry text, name text, version integer NOT NULL, PRIMARY KEY (registry, name)",
    "comparisons": "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, registry text NOT NULL, said text NOT NULL, is_open boolean NOT NULL",
    "counted": f"comparison bigint REFERENCES {_PREFIX}comparisons, key bytea, PRIMARY KEY (comparison, key)",
    "fitted": "registry text, version integer, key bytea, PRIMARY KEY (registry, version, key)",
    "files": "sha256 text, part integer, content bytea NOT NULL, PRIMARY KEY (sha256, part)",
}


class PostgresStore(RemoteStore):
    """A registry in PostgreSQL; whatever a step changes, aliases and files too, is changed in one transaction."""

    def __init__(self, address: RegistryAddress, connection: Any) -> None:
        super().__init__(address)
        self.name = address.name
        self.connection = connection

    def entries(self) -> list[LogEntry]:
        """All entries of the log, oldest first."""
        rows = self._all(
            "SELECT n, at, step, left(detail, %s), hash FROM headstart_registry_log WHERE registry = %s ORDER BY n LIMIT %s",
            _MAX_DETAIL, self.name, _MAX_ENTRIES + 1,
        )  # fmt: skip
        if len(rows) > _MAX_ENTRIES:
            raise StorageError(f"the log of {self.shown} has more than {_MAX_ENTRIES} entries. Make a new registry.")
        return [LogEntry.of_row(row) for row in rows]

    def append(self, step: str, detail: Mapping[str, Any]) -> None:
        """Write an entry; its number is a key, so that nobody else can have written it."""
        last = self._all(
            "SELECT n, hash FROM headstart_registry_log WHERE registry = %s ORDER BY n DESC LIMIT 1", self.name
        )
        n, before = last[0] if last else (0, FIRST_HASH)
        row = next_entry(n, before, step, detail).row()
        self._run("INSERT INTO headstart_registry_log VALUES (%s, %s, %s, %s, %s, %s)", self.name, *row)

    def alias(self, name: str) -> int | None:
        """The version that an alias points at."""
        rows = self._all(
            "SELECT version FROM headstart_registry_aliases WHERE registry = %s AND name = %s", self.name, name
        )
        return rows[0][0] if rows else None

    def point_alias(self, name: str, number: int) -> None:
        """Change one row."""
        self._run(
            "INSERT INTO headstart_registry_aliases VALUES (%s, %s, %s) ON CONFLICT (registry, name) DO UPDATE SET version = EXCLUDED.version",
            self.name, name, number,
        )  # fmt: skip

    def remove_alias(self, name: str) -> None:
        """Take one row away."""
        self._run("DELETE FROM headstart_registry_aliases WHERE registry = %s AND name = %s", self.name, name)

    def comparisons(self) -> list[tuple[int, dict[str, Any]]]:
        """Comparisons that go on, the latest first."""
        rows = self._all(
            "SELECT id, left(said, %s) FROM headstart_registry_comparisons WHERE registry = %s AND is_open ORDER BY id DESC LIMIT 100",
            _MAX_DETAIL, self.name,
        )  # fmt: skip
        return [(number, json.loads(said)) for number, said in rows]

    def keep_comparison(self, said: Mapping[str, Any], number: int | None, keys: Sequence[bytes]) -> int:
        """Keep a comparison."""
        text = json.dumps(said)
        if number is None:
            made = self._all(
                "INSERT INTO headstart_registry_comparisons (registry, said, is_open) VALUES (%s, %s, true) RETURNING id",
                self.name, text,
            )  # fmt: skip
            number = int(made[0][0])
        else:
            self._run("UPDATE headstart_registry_comparisons SET said = %s WHERE id = %s", text, number)
        self._run(
            "INSERT INTO headstart_registry_counted SELECT %s, unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
            number,
            list(keys),
        )
        return number

    def end_comparison(self, number: int) -> None:
        """It goes on no more."""
        self._run("UPDATE headstart_registry_comparisons SET is_open = false WHERE id = %s", number)
        self._run("DELETE FROM headstart_registry_counted WHERE comparison = %s", number)

    def counted(self, number: int) -> set[bytes]:
        """Keys that a comparison has counted."""
        return self._keys("SELECT key FROM headstart_registry_counted WHERE comparison = %s LIMIT %s", number)

    def keep_fitted(self, number: int, keys: Iterable[bytes]) -> None:
        """Keep keys that a version learned from."""
        self._run(
            "INSERT INTO headstart_registry_fitted SELECT %s, %s, unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
            self.name, number, list(keys),
        )  # fmt: skip

    def fitted(self, number: int) -> set[bytes]:
        """Keys that a version, or an earlier one, learned from."""
        return self._keys(
            "SELECT key FROM headstart_registry_fitted WHERE registry = %s AND version <= %s LIMIT %s",
            self.name,
            number,
        )

    def parts(self, path: str, sha256: str) -> Iterator[bytes]:  # noqa: ARG002
        """A file, part by part; of a part that was made longer no more is taken than what shows it."""
        part = 0
        while rows := self._all(
            "SELECT substring(content FROM 1 FOR %s) FROM headstart_registry_files WHERE sha256 = %s AND part = %s",
            _PART_BYTES + 1, sha256, part,
        ):  # fmt: skip
            yield rows[0][0]
            part += 1

    def put_content(self, path: str, sha256: str, content: bytes) -> None:  # noqa: ARG002
        """Put a file; one that is there with another length is put anew."""
        rows = self._all(
            "SELECT coalesce(sum(octet_length(content)), -1) FROM headstart_registry_files WHERE sha256 = %s", sha256
        )
        if rows[0][0] == len(content):
            return
        self._run("DELETE FROM headstart_registry_files WHERE sha256 = %s", sha256)
        for part, start in enumerate(range(0, max(1, len(content)), _PART_BYTES)):
            self._run(
                "INSERT INTO headstart_registry_files VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                sha256, part, content[start : start + _PART_BYTES],
            )  # fmt: skip

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; inside of another one it is a part of that."""
        return self._transaction()

    def step(self) -> AbstractContextManager[None]:
        """One transaction."""
        return self._transaction()

    def close(self) -> None:
        """Close the connection, and with it let go of the right to change."""
        self.connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with postgres.statement_errors(self.shown, _WHAT), self.connection.transaction():
            yield

    def _run(self, statement: str, *values: Any) -> None:
        with self._errors():
            self.connection.execute(statement, values)

    def _all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._errors():
            rows: list[tuple[Any, ...]] = self.connection.execute(statement, values).fetchall()
            return rows

    def _keys(self, statement: str, *values: Any) -> set[bytes]:
        return {bytes(key) for (key,) in self._all(statement, *values, _MAX_KEYS)}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        psycopg = require("psycopg", extra="postgres", purpose=_PURPOSE)
        try:
            with postgres.statement_errors(self.shown, _WHAT):
                yield
        except StorageError as error:
            if isinstance(error.__cause__, psycopg.errors.UndefinedTable):
                raise no_registry(self.shown) from error
            raise


@contextmanager
def create(address: RegistryAddress) -> Iterator[PostgresStore]:
    """Make an empty registry, and the tables where they are missing; whole or not at all, when the block ends.

    Raises
    ------
    StorageError
        There is one of that name.
    """
    with _connected(address) as store:
        _lock(store)
        with store.transaction():
            store.connection.execute("SELECT pg_advisory_xact_lock(7236818)")  # two may make the tables at once
            for table, columns in _TABLES.items():
                store.connection.execute(f"CREATE TABLE IF NOT EXISTS {_PREFIX}{table} ({columns})")
            if store.alias(CHAMPION) is not None or store.entries():
                raise StorageError(
                    f"{store.shown} is a registry already. Give the new one another name, as ?registry=NAME."
                )
            yield store


@contextmanager
def open_to_change(address: RegistryAddress) -> Iterator[PostgresStore]:
    """Open a registry that no other process may change meanwhile; the right goes with the connection, however that ends.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    """
    with _connected(address) as store:
        if store.alias(CHAMPION) is None:
            raise no_registry(store.shown)
        _lock(store)
        yield store


@contextmanager
def open_to_read(address: RegistryAddress) -> Iterator[PostgresStore]:
    """Open a registry as it is at this moment, whatever another process does to it meanwhile."""
    with _connected(address) as store, store.transaction():
        with store._errors():  # noqa: SLF001
            store.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if store.alias(CHAMPION) is None:
            raise no_registry(store.shown)
        yield store


def follow(address: RegistryAddress) -> PostgresStore:
    """Open a registry to look at it again and again; each look is at what there is then."""
    return PostgresStore(address, postgres.connect(address.url, purpose=_PURPOSE))


@contextmanager
def _connected(address: RegistryAddress) -> Iterator[PostgresStore]:
    store = follow(address)
    try:
        yield store
    finally:
        store.close()


def _lock(store: PostgresStore) -> None:
    schema = store._all("SELECT coalesce(current_schema(), '')")[0][0]  # noqa: SLF001
    name = f"headstart registry {schema} {store.name}"
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    until = time.monotonic() + _PATIENCE_S
    while not store._all("SELECT pg_try_advisory_lock(%s)", key)[0][0]:  # noqa: SLF001
        if time.monotonic() < until:
            time.sleep(_PATIENCE_S / 10)
            continue
        raise OptionError(f"{store.shown} is being changed by another process. Wait until it has ended.")
