"""Find the files that the cells of a column name: paths of other systems, ids without a suffix, names in a folder beside the table."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.data.litter import files_below, is_litter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

URL = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_N_LOOKED_AT = 200
_FOUND_SHARE = 0.9
_MAX_STRIPPED = 5
_MAX_FOLDERS = 300
_MAX_DEPTH = 2
_MAX_FILES = 50_000


@dataclass(frozen=True)
class Place:
    """Where names start.

    Attributes
    ----------
    root : the folder
    n_stripped : how many leading parts of the names are left out: 1 takes 'data/photos/7.jpg' for 'photos/7.jpg'
    is_deep : whether the last part of a name means a file at any depth below the root
    rivals : other folders that have files of the same names
    """

    root: Path
    n_stripped: int = 0
    is_deep: bool = False
    rivals: tuple[Path, ...] = ()


@dataclass(frozen=True)
class PhotoFiles:
    """The files that names mean, below folders that are each listed once.

    Parameters
    ----------
    suffixes : of files that a name without a suffix may mean
    """

    suffixes: frozenset[str]
    _listed: dict[Path, dict[str, str]] = field(default_factory=dict)
    _below: dict[Path, dict[str, str]] = field(default_factory=dict)

    def find(self, name: str, place: Place) -> Path | None:
        """Give the file that a name means; letter case, Unicode form, a missing or another suffix and leading zeros do not matter.

        >>> PhotoFiles(frozenset({".jpg"})).find("photos/7", Place(Path("/nowhere")))
        """
        parts = name_parts(name)
        if not parts:
            return None
        if place.is_deep:
            below = self._found_in(self._all_below(place.root), parts[-1])
            return None if below is None else place.root / below
        parts = parts[min(place.n_stripped, len(parts) - 1) :]
        found = place.root
        for part in parts:
            if part == "..":
                found = found.parent
                continue
            real = self._found_in(self._listing(found), part)
            if real is None:
                return None
            found = found / real
        return found if found.is_file() else None

    def place_of(self, names: Sequence[str], folder: Path) -> Place | None:
        """Choose where names start: the table's own folder, or another near it in which nearly all are found.

        Returns
        -------
        None where there is no such folder.
        """
        step = -(-len(names) // _N_LOOKED_AT)
        looked_at = list(dict.fromkeys(names[::step])) if names else []
        return next((place for places in _places(folder) if (place := self._best(looked_at, places))), None)

    def _best(self, names: Sequence[str], places: Sequence[Place]) -> Place | None:
        """The first of the places in which nearly all names are found, with the others as its rivals."""
        fitting = [place for place in places if self.fits(names, place)]
        if not fitting:
            return None
        rivals = tuple(place.root for place in fitting[1:] if place.n_stripped == fitting[0].n_stripped)
        return replace(fitting[0], rivals=rivals)

    def fits(self, names: Sequence[str], place: Place) -> bool:
        """Whether nearly all names mean files from a place, each its own."""
        n_allowed, found = int((1 - _FOUND_SHARE) * len(names)), set[Path]()
        for name in names:
            path = self.find(name, place)
            if path is None or path in found:  # two names must not become one by what is left out of them
                n_allowed -= 1
                if n_allowed < 0:
                    return False
            else:
                found.add(path)
        return bool(found)

    def _found_in(self, listing: Mapping[str, str], name: str) -> str | None:
        """What a name means among names: itself, a photo of that stem, or one whose number has leading zeros."""
        stem, suffix = os.path.splitext(name)  # noqa: PTH122  a string operation, done for every file
        stem = stem if suffix.lower() in self.suffixes else name
        keys = [name, _key(name), _stem_key(stem), *([_number_key(stem)] if stem.isdigit() else [])]
        return next((listing[key] for key in keys if key in listing), None)

    def _listing(self, folder: Path) -> dict[str, str]:
        """Names in a folder by how they are looked for."""
        if folder not in self._listed:
            try:
                names = sorted(name for name in os.listdir(folder) if not is_litter(name))  # noqa: PTH208  names alone
            except OSError:
                names = []
            self._listed[folder] = self._by_key(names)
        return self._listed[folder]

    def _all_below(self, folder: Path) -> dict[str, str]:
        """Paths of all files below a folder by how their names are looked for, where only one is called so."""
        if folder not in self._below:
            paths = [str(path.relative_to(folder)) for path in islice(files_below(folder), _MAX_FILES)]
            self._below[folder] = self._by_key(paths)
        return self._below[folder]

    def _by_key(self, paths: Sequence[str]) -> dict[str, str]:
        """Paths by their names, and those of photos by their stems too, with and without leading zeros; what is not unique is left out."""
        found: dict[str, list[str]] = {}
        for path in paths:
            name = os.path.basename(path)  # noqa: PTH119  string operations, done for every file
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            keys = {name, _key(name)}
            if suffix.lower() in self.suffixes:
                keys |= {_stem_key(stem), *([_number_key(stem)] if stem.isdigit() else [])}
            for key in keys:
                found.setdefault(key, []).append(path)
        return {key: same[0] for key, same in found.items() if len(same) == 1}


def name_parts(name: str) -> list[str]:
    r"""Cut a path of any system into its parts, without its drive or root.

    >>> name_parts("C:\\photos\\7.jpg"), name_parts("./photos//7.jpg")
    (['photos', '7.jpg'], ['photos', '7.jpg'])
    """
    plain = re.sub(r"^[A-Za-z]:(?=[\\/])", "", name.strip())
    return [part for part in re.split(r"[\\/]+", plain) if part not in ("", ".")]


def _places(folder: Path) -> Iterator[list[Place]]:
    """Lists of places, each list to be tried as a whole after the one before: from the likeliest on."""
    yield [Place(folder)]
    below = list(_subfolders(folder, _MAX_DEPTH))
    yield [Place(root) for root in below]
    yield [Place(root) for root in dict.fromkeys((Path.cwd(), folder.absolute().parent))]
    for n_stripped in range(1, _MAX_STRIPPED + 1):
        yield [Place(folder, n_stripped)]
    for n_stripped in range(1, _MAX_STRIPPED + 1):
        yield [Place(root, n_stripped) for root in below]
    yield [Place(folder, is_deep=True)]


def _subfolders(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(Path(entry.path) for entry in entries if entry.is_dir() and not is_litter(entry.name))
    except OSError:
        return
    deeper = chain.from_iterable(_subfolders(path, depth - 1) for path in found) if depth > 1 else iter(())
    for n_given, path in enumerate(chain(found, deeper)):
        if n_given == _MAX_FOLDERS:
            return
        yield path


def _stem_key(stem: str) -> str:
    """How a photo without its suffix is looked for; no file is called so."""
    return f"{_key(stem)}/"


def _number_key(stem: str) -> str:
    """How a photo is looked for that is called by a number, whose leading zeros a spreadsheet takes away."""
    return f"{stem.lstrip('0')}//"


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
