"""headstart query: SQL over the windows of a stream."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from headstart.cli.options import Json
from headstart.cli.output import emit
from headstart.cli.streams import put
from headstart.core.errors import OptionError
from headstart.data.shown_names import visible

_ALARM = 3


def query(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What `headstart stream --windows-to` named.", show_default=False)
    ],
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT; tables: windows, classes, late.", show_default=False)
    ],
    *,
    alarm: Annotated[
        bool, typer.Option("--alarm", help="The rows are an alarm: exit with 3 where there are any.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask the windows in FOLDER with DuckDB; nothing is changed."""
    from headstart.streaming.windows.query import query as ask

    columns, rows = ask(folder, sql)
    if as_json:
        double = next((name for name in columns if columns.count(name) > 1), None)
        if double is not None:
            raise OptionError(f"two columns of the answer are named '{double}'. Name one of them: … AS another.")
        emit([dict(zip(columns, map(_plain, row), strict=True)) for row in rows])
    else:
        _print(columns, rows)
    if alarm and rows:
        raise typer.Exit(_ALARM)


def _print(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    cells = [[visible(name) for name in columns], *([_shown(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        put("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return visible(" ".join(str(_plain(value)).split()))  # a sender of records may have chosen it
