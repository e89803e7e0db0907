"""Spreadsheets: one sheet of a workbook as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import DataError, OptionError, first_line, require, unknown_name
from headstart.data.readers.columns import check_names, transpose
from headstart.data.readers.frames import ColumnsInMemory
from headstart.data.shown_names import without_invisible

if TYPE_CHECKING:
    from collections.abc import Sequence

EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})


def split_sheet(path: str | Path) -> tuple[Path, str | None]:
    """Part the name of a sheet from that of its workbook.

    >>> split_sheet("prices.xlsx#May"), split_sheet("a#b.csv")
    ((PosixPath('prices.xlsx'), 'May'), (PosixPath('a#b.csv'), None))
    """
    file, hash_sign, sheet = str(path).partition("#")
    is_sheet = hash_sign and Path(file).suffix.lower() in EXCEL_SUFFIXES
    return (Path(file), sheet) if is_sheet else (Path(path), None)


def with_sheet(data: Any, sheet: str) -> str:
    """Name a sheet of the workbook that `data` names.

    Raises
    ------
    OptionError
        It is no workbook, or names another sheet itself.

    >>> with_sheet("prices.xlsx", "May")
    'prices.xlsx#May'
    """
    path, named = split_sheet(data) if isinstance(data, str | Path) else (Path(), None)
    if path.suffix.lower() not in EXCEL_SUFFIXES:
        shown = f"'{path}'" if isinstance(data, str | Path) else f"a {type(data).__name__}"
        raise OptionError(f"--sheet {sheet} names a sheet of a spreadsheet, but {shown} is none. Leave it out.")
    if named not in (None, sheet):
        raise OptionError(f"'{data}' names the sheet '{named}', and --sheet '{sheet}'. Leave one out.")
    return f"{path}#{sheet}"


def open_sheet(path: Path, sheet: str | None = None) -> ColumnsInMemory:
    """Open a sheet whose first row that is not empty names the columns.

    Cells that are merged have the value of the first of them, which a notice says.

    Parameters
    ----------
    sheet : its name; needed where several hold something

    Raises
    ------
    DataError
        It is no workbook that can be read, several sheets hold something, or the header is merged or has a name twice.
    OptionError
        There is no sheet of that name.
    """
    calamine = require("python_calamine", extra="excel", purpose="reading spreadsheets")
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        rows = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (OSError, ValueError, calamine.CalamineError) as error:
        raise DataError(
            f"'{path}' is no spreadsheet that can be read ({first_line(error)[:80]}). Save it again without a password, or as CSV."
        ) from error
    name = _chosen(path, rows, sheet)
    merged = getattr(book.get_sheet_by_name(name), "merged_cell_ranges", None) or ()
    return _table(path, name, rows[name], merged)


def _chosen(path: Path, rows: dict[str, list[list[Any]]], sheet: str | None) -> str:
    if sheet is not None:
        if sheet not in rows:
            raise unknown_name(f"sheet (in '{path.name}')", sheet, rows)
        return sheet
    filled = [name for name, cells in rows.items() if any(map(_is_filled, cells))]
    if not filled:
        raise DataError(f"'{path}' holds no rows; a header and rows below it were expected.")
    if len(filled) > 1:
        shown = ", ".join(f"'{name}'" for name in filled)
        raise DataError(
            f"'{path}' has {len(filled)} sheets with content ({shown}). Which is meant? Name it behind a number sign: "
            f"'{path}#{filled[0]}'."
        )
    return filled[0]


def _table(
    path: Path, sheet: str, rows: list[list[Any]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]
) -> ColumnsInMemory:
    shown = f"sheet '{sheet}' of '{path}'"
    top = next((place for place, cells in enumerate(rows) if _is_filled(cells)), None)
    if top is None:
        raise DataError(f"{shown} holds no rows; a header and rows below it were expected.")
    for (first, left), (last, right) in merged:
        if first <= top <= last:
            raise DataError(
                f"{shown} has merged cells in its first row, the header (columns {left + 1} to {right + 1}). Leave one row with a name for "
                "each column at the top."
            )
        for row in rows[first : last + 1]:
            row[left : right + 1] = [rows[first][left]] * (right + 1 - left)
    names = [without_invisible("" if cell is None else str(cell)) for cell in rows[top]]
    wanted = [place for place, name in enumerate(names) if name]
    kept = [names[place] for place in wanted]
    check_names(kept, shown)
    body = [[_plain(row[place]) for place in wanted] for row in rows[top + 1 :] if _is_filled(row)]
    table = ColumnsInMemory(transpose(kept, body), name=path.name, folder=path.parent)
    below = [one for one in merged if one[0][0] > top]
    if below:
        message = f"{shown} has {len(below)} merged ranges: each of their cells has the value of the first."
        table.notices = (Notice(kind="merged-cells", message=message),)
    return table


def _is_filled(cells: Sequence[Any]) -> bool:
    return any(cell not in ("", None) for cell in cells)


def _plain(cell: Any) -> Any:
    return None if cell == "" else cell
