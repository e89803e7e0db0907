"""Windows in PostgreSQL: a table for each kind of row, whose key is the window, so that a row written again is the same row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, ServiceError, StorageError, first_line, require
from headstart.streaming.sqlite_table import quoted
from headstart.streaming.windows.rows import TABLES, Row, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMES = ("postgresql", "postgres")
_PREFIX = "headstart_"
_KINDS = {"time": "timestamptz", "string": "varchar", "integer": "bigint", "real": "double precision"}
_KEY = ("window_start", "window_end", "group_value", "label")
_CONNECT_S = 10


class Postgres:
    """Writes to `headstart_windows`, `headstart_classes` and `headstart_late`, which are made where they are missing.

    Parameters
    ----------
    url : as libpq takes it; `?options=-csearch_path=NAME` names another schema
    shown : the same without a password

    Raises
    ------
    MissingExtraError
        psycopg is not installed.
    """

    def __init__(self, url: str, shown: str) -> None:
        self._url = url
        self._shown = shown
        self._psycopg = require("psycopg", extra="postgres", purpose="windows in PostgreSQL")
        self._has_tables = False

    def write(self, found: Sequence[Stretch]) -> None:
        """Write all in one transaction."""
        with self._errors(), self._psycopg.connect(self._url, connect_timeout=_CONNECT_S) as connection:
            if not self._has_tables:
                connection.execute("SELECT pg_advisory_xact_lock(7236817)")  # two workers may begin at once
                for table in TABLES:
                    connection.execute(_created(table))
            for table in TABLES:
                rows = [row for one in found for row in one.rows.get(table, ())]
                if rows:
                    with connection.cursor() as cursor:
                        cursor.executemany(_upserted(table), [_values(table, row) for row in rows])
        self._has_tables = True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        errors = self._psycopg.errors
        try:
            yield
        except (errors.DiskFull, errors.ReadOnlySqlTransaction) as error:
            raise StorageError(f"{self._shown} cannot write ({first_line(error)}).") from error
        except (errors.InsufficientPrivilege, self._psycopg.ProgrammingError) as error:
            said = first_line(error)
            raise OptionError(
                f"{self._shown} refuses windows ({said}). Look at its rights and at the columns of headstart_…."
            ) from error
        except self._psycopg.Error as error:
            raise ServiceError(f"{self._shown} does not take windows ({first_line(error)}).") from error


def _key(table: str) -> list[str]:
    return [column for column in _KEY if column in TABLES[table]]


def _created(table: str) -> str:
    columns = ", ".join(f"{quoted(column)} {_KINDS[kind]}" for column, kind in TABLES[table].items())
    key = ", ".join(map(quoted, _key(table)))
    return f"CREATE TABLE IF NOT EXISTS {_PREFIX}{table} ({columns}, PRIMARY KEY ({key}))"


def _upserted(table: str) -> str:
    columns, key = list(TABLES[table]), _key(table)
    changed = ", ".join(f"{quoted(one)} = EXCLUDED.{quoted(one)}" for one in columns if one not in key)
    places = ", ".join(["%s"] * len(columns))
    return (  # names of our own, quoted
        f"INSERT INTO {_PREFIX}{table} ({', '.join(map(quoted, columns))}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(map(quoted, key))}) DO UPDATE SET {changed}"
    )


def _values(table: str, row: Row) -> list[Any]:
    """Values of a row; PostgreSQL has no text with a zero byte in it."""
    found = [row[column] for column in TABLES[table]]
    return [value.replace("\0", "�") if isinstance(value, str) else value for value in found]
