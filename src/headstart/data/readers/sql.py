"""A query of a database as a table; its rows are streamed, and nothing is written."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, MissingExtraError, first_line, require
from headstart.data.column_kinds import SAMPLE_ROWS
from headstart.data.readers.columns import (
    NO_PACKERS,
    ColumnReader,
    Packers,
    SpreadSample,
    Table,
    check_names,
    transpose,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Notice
    from headstart.data.unreadable_items import UnreadableItems

_FETCHED_TOGETHER = 4_096
_READS = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*\(*\s*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL
)
_COLON = re.compile(r"(?<![:\\]):(?=\w)")
_POSTGRES = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_EXTRAS = {"psycopg": "headstart[postgres]"}
_URL = re.compile(r"[a-z][a-z0-9]*(?:\+[a-z0-9]+)?://", re.IGNORECASE)


class SqlQuery:
    """What a query of a database gives; it is asked twice, for a sample and for the wanted columns.

    Parameters
    ----------
    database : a URL as SQLAlchemy takes it, or the path of a SQLite file
    query : one that reads: SELECT, WITH, VALUES or TABLE

    Raises
    ------
    DataError
        The database cannot be opened, or does not answer the query; or it has no rows, or two columns of one name.
    MissingExtraError
        SQLAlchemy, or the driver of the database, is not installed.
    """

    have_types = True
    folder: Path | None = None
    notices: tuple[Notice, ...] = ()

    def __init__(self, database: str | Path, query: str) -> None:
        self._alchemy = require("sqlalchemy", extra="sql", purpose="reading a database")
        if not _READS.match(query):
            raise DataError(
                f"--sql takes a query that reads, and begins with SELECT, VALUES or WITH, got '{query[:60]}'."
            )
        self.name = "the query"
        self._query = self._alchemy.text(_COLON.sub(r"\\:", query.strip().rstrip(";")))
        self._engine = self._opened(str(database))
        with self._rows() as (names, rows):
            check_names(names, "the query")
            sample: SpreadSample[Sequence[Any]] = SpreadSample(SAMPLE_ROWS)
            for row in rows:
                sample.offer(row)
        self.names = tuple(names)
        if not sample.kept:
            raise DataError("the query gives no rows; rows with a value to predict were expected.")
        self._sample = transpose(self.names, sample.kept)

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows spread over all."""
        return self._sample

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:  # noqa: ARG002
        """Read the columns `names`."""
        columns = ColumnReader(names, packers)
        places = [self.names.index(name) for name in names]
        n_rows = 0
        with self._rows() as (_, rows):
            for row in rows:
                n_rows += 1
                columns.offer([row[place] for place in places])
        return Table(columns=columns.finish(), rows=range(1, n_rows + 1), n_rows=n_rows)

    def _opened(self, database: str) -> Any:
        url = database
        if not _URL.match(database) or database.lower().startswith("sqlite:///"):
            path = Path(re.sub(r"^sqlite:///", "", database, flags=re.IGNORECASE)).expanduser()
            if not path.is_file():
                raise DataError(
                    f"'{path}' does not exist; a SQLite file, or a URL such as postgresql://…, was expected."
                )
            url = f"sqlite:///file:{path.absolute().as_posix()}?mode=ro&uri=true"
        url = _POSTGRES.sub("postgresql+psycopg://", url, count=1) if _POSTGRES.match(url) else url
        try:
            return self._alchemy.create_engine(url)
        except ModuleNotFoundError as error:
            library = error.name or "of its driver"
            raise MissingExtraError(
                f"this database needs the library '{library}', which is not installed. Install it with: "
                f'pip install "{_EXTRAS.get(library, library)}"'
            ) from error
        except self._alchemy.exc.SQLAlchemyError as error:
            raise DataError(f"the database's URL is not understood ({first_line(error)}).") from error

    @contextmanager
    def _rows(self) -> Iterator[tuple[list[str], Iterator[Any]]]:
        """The names of the columns, and the rows; the transaction is read-only where there is such, and is never committed."""
        options: dict[str, Any] = {"stream_results": True, "yield_per": _FETCHED_TOGETHER}
        if self._engine.dialect.name == "postgresql":
            options["postgresql_readonly"] = True
        try:
            with self._engine.connect().execution_options(**options) as connection:
                found = connection.execute(self._query)
                with closing(found):
                    yield list(map(str, found.keys())), iter(found)
        except self._alchemy.exc.SQLAlchemyError as error:
            reason = first_line(getattr(error, "orig", None) or error)
            raise DataError(
                f"the database does not answer the query ({reason}). Correct the query or the address."
            ) from error
        finally:
            self._engine.dispose()
