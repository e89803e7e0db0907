"""Windows as Parquet: a folder for each table and day, a file for each stretch of time, whole or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.storage.files import replacing
from headstart.streaming.windows.rows import TABLES, Row, Stretch, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ParquetFolder:
    """Writes to a folder.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrow = require("pyarrow", extra="query", purpose="windows as Parquet")
        self._parquet = require("pyarrow.parquet", extra="query", purpose="windows as Parquet")

    def write(self, found: Sequence[Stretch]) -> None:
        """Write each stretch of time as a file of each table; one that is there is replaced by an equal one."""
        for one in found:
            for table, rows in one.rows.items():
                self._write(table, one, rows)

    def _write(self, table: str, one: Stretch, rows: list[Row]) -> None:
        folder = self._folder / table / f"day={moment(one.start):%Y-%m-%d}"
        name = f"{moment(one.start):%Y%m%dT%H%M%S%fZ}-{moment(one.stop):%Y%m%dT%H%M%S%fZ}.parquet"
        content = self._arrow.Table.from_pylist(rows, schema=self._schema(table))
        with replacing(folder / name) as partial:
            self._parquet.write_table(content, partial)

    def _schema(self, table: str) -> Any:
        arrow = self._arrow
        kinds = {
            "time": arrow.timestamp("us", tz="UTC"),
            "string": arrow.string(),
            "integer": arrow.int64(),
            "real": arrow.float64(),
        }
        return arrow.schema([(column, kinds[kind]) for column, kind in TABLES[table].items()])
