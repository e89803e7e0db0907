"""Query: SQL over windows that were written as Parquet, with DuckDB, which can read them and do nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, OptionError, first_line, require
from headstart.streaming.windows.rows import TABLES

if TYPE_CHECKING:
    from types import ModuleType

_KINDS = {"time": "TIMESTAMPTZ", "string": "VARCHAR", "integer": "BIGINT", "real": "DOUBLE"}


def query(folder: str | Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Ask windows something.

    Parameters
    ----------
    folder : that `headstart stream … --windows-to` wrote
    sql : one SELECT; its tables are `windows`, `classes` and `late`

    Returns
    -------
    names of the columns, and rows

    Raises
    ------
    DataError
        There are no windows, or a file of them is damaged.
    KeyboardInterrupt
        The user has interrupted it.
    OptionError
        The SQL is no SELECT, or wrong.
    MissingExtraError
        DuckDB is not installed.
    """
    duckdb = require("duckdb", extra="query", purpose="headstart query")
    path = Path(folder).resolve()
    tables = {name: path / name for name in TABLES if next((path / name).glob("day=*/*.parquet"), None)}
    if not tables:
        raise DataError(
            f"{folder} holds no windows (no {'/, '.join(TABLES)}/ with Parquet in it). Name what --windows-to named."
        )
    with duckdb.connect(":memory:") as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, place in tables.items():
            files = str(place / "day=*" / "*.parquet")
            try:
                database.read_parquet(files, hive_partitioning=True).create_view(name)
            except duckdb.Error as error:
                said = first_line(ValueError(str(error).replace(f"{place}/", "")))  # the name stands at its end
                raise DataError(
                    f"the windows in {place} cannot be read ({said}). Move the file that is damaged away."
                ) from error
        inside = str(path).replace("'", "''")
        database.execute(f"SET allowed_directories = ['{inside}/']")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        for name in TABLES.keys() - tables:
            columns = ", ".join(f"{column} {_KINDS[kind]}" for column, kind in TABLES[name].items())
            database.execute(
                f"CREATE TABLE {name} ({columns}, day DATE)"
            )  # of no rows, so that one question serves all
        return _answer(duckdb, database, sql, list(TABLES))


def _answer(duckdb: ModuleType, database: Any, sql: str, tables: list[str]) -> tuple[list[str], list[tuple[Any, ...]]]:
    try:
        statements = database.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise OptionError("only one SELECT is answered: windows are there to be read.")
        found = database.execute(statements[0])
        return [column[0] for column in found.description], found.fetchall()
    except duckdb.Error as error:
        raise OptionError(
            f"DuckDB cannot answer ({first_line(error)}). The tables are: {', '.join(tables)}."
        ) from error
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise
