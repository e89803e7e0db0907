"""Several tables as one: a folder of train.csv and test.csv, or a table in each of the folders train and test."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.column_names import listed
from headstart.data.image import IMAGE_SUFFIXES
from headstart.data.litter import is_litter
from headstart.data.paths import names_files
from headstart.data.photo_files import PhotoFiles
from headstart.data.readers.columns import NO_PACKERS, Packers, RowIds, Table, packer_of
from headstart.data.readers.tables import TABLE_SUFFIXES, open_table
from headstart.data.splits import part_of, parts_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from headstart.data.readers.columns import TableSource
    from headstart.data.unreadable_items import UnreadableItems

_N_SHOWN = 3


class TableParts:
    """Tables below each other, each of them a part of the data; a column that a table lacks is blank there.

    Parameters
    ----------
    folder : where relative paths of the whole start; those of a table start at its own folder
    parts : the tables with the word of their part: 'train', 'validation', 'test' or 'unlabeled'
    passed_over : other tables of the folder
    """

    def __init__(
        self, folder: Path, parts: Sequence[tuple[str, TableSource]], passed_over: Sequence[Path] = ()
    ) -> None:
        self.name = folder.name
        self.folder: Path | None = folder
        self.have_types = all(table.have_types for _, table in parts)
        self._parts = parts
        self._called = [_called(table, folder) for _, table in parts]
        self.shown = f"{folder.name}: {', '.join(self._called)}"
        self.names = tuple(dict.fromkeys(name for _, table in parts for name in table.names))
        said = ", ".join(f"'{name}' is {part}" for name, (part, _) in zip(self._called, parts, strict=True))
        guess = Notice(kind="guess", message=f"the files are parts of the data by their names: {said}.")
        noticed = chain.from_iterable(table.notices for _, table in parts)
        self.notices = (guess, *noticed, *_passed_over(passed_over))
        self._samples = [table.sample() for _, table in parts]

    def check_has(self, inputs: Sequence[str], targets: Sequence[str]) -> None:
        """Refuse a table without a column that the others have: inputs are needed in each, targets where rows are for training.

        Raises
        ------
        DataError
            One lacks it; the message names the file.
        """
        for (part, table), called in zip(self._parts, self._called, strict=True):
            needed = (*inputs, *targets) if part == "train" else inputs
            lacking = next((name for name in needed if name not in table.names), None)
            if lacking is not None:
                raise DataError(
                    f"'{called}' in '{self.name}' has no column '{lacking}', which other files there have (it has {listed(table.names)}). Call "
                    "the columns alike, or name one file alone."
                )

    def sample(self) -> dict[str, list[Any]]:
        """Cells of all columns from rows of all tables."""
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for place, sample in enumerate(self._samples):
            n_rows = max(map(len, sample.values()), default=0)
            for name in self.names:
                columns[name] += self._cells(place, name, sample, n_rows)
        return columns

    def read(self, names: Sequence[str], bad: UnreadableItems, *, packers: Packers = NO_PACKERS) -> Table:
        """Read the columns `names` of one table after the other."""
        joined = {name: packer_of(name, packers) for name in names}
        ids: list[str] = []
        parts: list[str] = []
        n_rows = 0
        for place, (part, table) in enumerate(self._parts):
            there = [name for name in names if name in table.names]
            n_before = len(bad)
            packed = {name: packers[name] for name in there if name in packers and joined[name].keeps_cells}
            found = table.read(there, bad, packers=packed)
            bad.rename(n_before, table.name, self._called[place])
            n_rows += found.n_rows
            ids += RowIds(self._called[place], found.rows)
            parts += [part] * len(found.rows)
            for name, column in joined.items():
                column.extend(self._cells(place, name, found.columns, len(found.rows)))
        columns = {name: column.finish() for name, column in joined.items()}
        return Table(columns=columns, rows=range(1, len(ids) + 1), n_rows=n_rows, ids=ids, parts=parts)

    def _cells(self, place: int, name: str, columns: Mapping[str, Sequence[Any]], n_rows: int) -> Sequence[Any]:
        part, table = self._parts[place]
        if name not in columns:
            return [None] * n_rows
        cells = columns[name]
        if table.folder is None or self.folder is None or not names_files(self._samples[place][name], table.folder):
            return cells
        return _names_below(self.folder, cells, table.folder, part)


def _called(table: TableSource, folder: Path) -> str:
    """The file's name, with its folder where that is not the one of all."""
    within = table.folder
    return table.name if within is None or within == folder else f"{within.name}/{table.name}"


def open_folder(folder: Path, *, known_columns: Collection[str] = ()) -> TableSource | None:
    """Open the table of a folder, or its tables of parts; None where it holds folders of classes.

    Parameters
    ----------
    known_columns : as for `open_table`

    Raises
    ------
    DataError
        It holds several tables, and nothing says which is meant.
    """
    tables, folders = _entries(folder)
    if not tables:
        nested = {path: _entries(path)[0] for path in folders if part_of(path.name)}
        found = [(str(part_of(path.name)), inside[0]) for path, inside in nested.items() if len(inside) == 1]
        if not found and len(folders) == 1 and _entries(folders[0])[0]:
            raise DataError(f"'{folder}' holds nothing but a folder of tables. Name that: '{folders[0]}'.")
        return _parts(folder, found, [], known_columns) if found else None
    if len(tables) == 1:
        return open_table(tables[0], known_columns=known_columns)
    named = [(str(part), path) for path in tables if (part := parts_in(path.stem))]
    if any(part == "train" for part, _ in named):
        taken = [path for _, path in named]
        others = [path for path in tables if path not in taken]
        return _parts(folder, named, others, known_columns)
    if folders and not any(part_of(path.name) for path in folders):
        return None
    shown = ", ".join(f"'{path.name}'" for path in tables[:_N_SHOWN])
    raise DataError(f"'{folder}' holds {len(tables)} tables ({shown}). Name the one to be used.")


def _parts(
    folder: Path, named: Sequence[tuple[str, Path]], others: Sequence[Path], known_columns: Collection[str]
) -> TableSource:
    order = ("train", "validation", "test", "unlabeled")
    opened = [(part, open_table(path, known_columns=known_columns)) for part, path in named]
    return TableParts(folder, sorted(opened, key=lambda part: order.index(part[0])), others)


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The tables and the folders in a folder, sorted, without litter."""
    try:
        entries = sorted(path for path in folder.iterdir() if not is_litter(path.name))
    except OSError as error:
        raise DataError(f"'{folder}' cannot be opened ({error.strerror}). Correct its permissions.") from error
    tables = [path for path in entries if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()]
    return tables, [path for path in entries if path.is_dir()]


def _names_below(base: Path, cells: Sequence[Any], folder: Path, part: str) -> list[Any]:
    """The files that cells name, as paths from `base`; of folders with the same names the one that is called like the part."""
    files = PhotoFiles(IMAGE_SUFFIXES)
    names = [str(cell) for cell in cells]
    place = files.place_of(names, folder)
    if place is None:
        return list(cells)
    called_so = (root for root in (place.root, *place.rivals) if part_of(root.name) == part)
    place = replace(place, root=next(called_so, place.root))
    found = (files.find(name, place) for name in names)
    return [cell if path is None else os.path.relpath(path, base) for cell, path in zip(cells, found, strict=True)]


def _passed_over(tables: Sequence[Path]) -> tuple[Notice, ...]:
    if not tables:
        return ()
    where = tuple(path.name for path in tables)
    shown = ", ".join(f"'{name}'" for name in where[:_N_SHOWN])
    return (Notice(kind="ignored", message=f"passed over, as no part of the data: {shown}.", where=where),)
