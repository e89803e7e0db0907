"""Open a table by what it is: a row below for each kind of file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.modalities import item_modalities
from headstart.data.photo_files import URL
from headstart.data.readers.delimited import DELIMITED_SUFFIXES, DelimitedFile
from headstart.data.readers.excel import EXCEL_SUFFIXES, open_sheet, split_sheet
from headstart.data.readers.frames import ColumnsInMemory, frame_columns, is_frame
from headstart.data.readers.label_studio import flat_tasks
from headstart.data.readers.records import JSON_LINES_SUFFIXES, PARQUET_SUFFIXES, JsonLines, ParquetFile, open_json
from headstart.data.shown_names import existing_form, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from headstart.data.readers.columns import TableSource

TABLE_SUFFIXES = (DELIMITED_SUFFIXES - {".txt"}) | JSON_LINES_SUFFIXES | PARQUET_SUFFIXES | EXCEL_SUFFIXES

_KINDS: tuple[tuple[frozenset[str], Callable[[Path], TableSource]], ...] = (
    (JSON_LINES_SUFFIXES, JsonLines),
    (PARQUET_SUFFIXES, ParquetFile),
)


def named_path(data: str | Path) -> Path:
    """Make a path of what the user named, in whichever Unicode form the disk has it.

    Raises
    ------
    DataError
        Nothing is there; the message gives the nearest name that is, or says what was named instead of a path.
    """
    if URL.match(str(data)):
        raise DataError(
            f"'{str(data)[:200]}' is a URL, and nothing is fetched. Download it, and name the file or folder."
        )
    path, sheet = split_sheet(Path(data).expanduser())
    try:
        if "\0" in str(path):
            raise ValueError  # noqa: TRY301  as Path itself does, by system and version
        path = existing_form(path)
        if path.exists():
            return path if sheet is None else Path(f"{path}#{sheet}")
        folder = path.parent
        beside = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        raise DataError(f"'{str(data)[:60]}' is no path. Name a folder or a file.") from None
    raise DataError(
        f"'{visible(str(path))}' does not exist (searched in '{visible(str(folder.absolute()))}'); a folder or a table was expected. "
        f"{_nearest(str(data), folder, path.name, beside)}"
    )


def _nearest(named: str, folder: Path, name: str, beside: Sequence[str]) -> str:
    """What to do about a path that does not exist."""
    if "\\" in named and Path(named.replace("\\", "/")).exists():
        return f"A backslash is a part of a name here: write '{named.replace(chr(92), '/')}'."
    near = difflib.get_close_matches(name, beside, n=1)
    return f"Did you mean '{visible(str(folder / near[0]))}'?" if near else "Correct the path."


def named_folder(data: str | Path) -> Path:
    """Make a path of the folder that the user named for images.

    Raises
    ------
    DataError
        Nothing is there, or a file.
    """
    folder = named_path(data)
    if not folder.is_dir():
        raise DataError(f"--images names '{folder}', which is no folder. Name the folder in which the images lie.")
    return folder


def open_table(path: Path, *, known_columns: Collection[str] = ()) -> TableSource:
    """Open a file by its suffix.

    Parameters
    ----------
    known_columns : names of which one makes sure that the first line of a CSV file is a header

    Raises
    ------
    DataError
        It is no kind of table that is known.
    """
    book, sheet = split_sheet(path)
    suffix = book.suffix.lower()
    if suffix in EXCEL_SUFFIXES:
        return open_sheet(book, sheet)
    for suffixes, opener in _KINDS:
        if suffix in suffixes:
            return opener(path)
    if suffix == ".json":
        return open_json(path)
    if suffix in DELIMITED_SUFFIXES:
        return DelimitedFile(path, known_columns=known_columns)
    raise DataError(
        f"'{path}' {_instead(suffix)}. A folder with a subfolder a class, or CSV, TSV, JSONL, Parquet or XLSX, was expected."
    )


def is_table_file(path: str | Path) -> bool:
    """Whether a file is a table by its suffix, or a sheet of a workbook.

    >>> is_table_file("prices.xlsx#May"), is_table_file("photo.jpg")
    (True, False)
    """
    return split_sheet(path)[0].suffix.lower() in TABLE_SUFFIXES


def open_memory(data: Any) -> TableSource:
    """Open a frame, a dict of columns or a list of dicts.

    Raises
    ------
    DataError
        It is none of these, or a dict of one value each, which is a row.
    """
    if is_frame(data):
        return ColumnsInMemory(frame_columns(data), name="the frame")
    if isinstance(data, Mapping):
        return ColumnsInMemory({str(name): _listed(name, cells) for name, cells in data.items()})
    if isinstance(data, list) and data and all(isinstance(record, Mapping) for record in data):
        records, notices = flat_tasks(data)
        names = dict.fromkeys(str(name) for record in records for name in record)
        return ColumnsInMemory({name: [record.get(name) for record in records] for name in names}, notices=notices)
    if isinstance(data, list) and not data:
        raise DataError("the list is empty; dicts with a text or an image, and a label, were expected.")
    raise DataError(
        f"data is a {type(data).__name__}; a path, a frame, a dict of columns, a list of dicts, "
        "or a pair (items, targets) was expected."
    )


def _listed(name: Any, cells: Any) -> list[Any]:
    """The cells of a column; a text would pass for a column of letters."""
    if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
        came = "nothing" if cells is None else f"one {type(cells).__name__}"
        raise DataError(f"'{name}' is {came}, but a dict of columns has a list for each. Give a row as [row].")
    return list(cells)


def _instead(suffix: str) -> str:
    modality = next((one for one in item_modalities() if suffix in one.suffixes), None)
    if modality is not None:
        return f"is a single {modality.singular}"
    if suffix in (".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"):
        return "is an archive; unpack it first"
    if suffix in (".pkl", ".pickle", ".joblib", ".npy", ".pt"):
        return "is a saved Python object, which is not opened because it may run code"
    return f"is of an unknown kind ('{suffix}')" if suffix else "has no suffix that tells its kind"
