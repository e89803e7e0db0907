"""Find the files that the cells of a column name: paths of other systems, ids without a suffix, names in a folder beside the table."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.data.litter import is_litter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

URL = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_N_LOOKED_AT = 200
_FOUND_SHARE = 0.9
_MAX_STRIPPED = 5
_MAX_FOLDERS = 300
_MAX_DEPTH = 2


@dataclass(frozen=True)
class Place:
    """Where names start.

    Attributes
    ----------
    root : the folder
    n_stripped : how many leading parts of the names are left out: 1 takes 'data/photos/7.jpg' for 'photos/7.jpg'
    rivals : other folders that have files of the same names
    """

    root: Path
    n_stripped: int = 0
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

    def find(self, name: str, place: Place) -> Path | None:
        """Give the file that a name means; letter case, Unicode form and a missing suffix do not matter.

        >>> PhotoFiles(frozenset({".jpg"})).find("photos/7", Place(Path("/nowhere")))
        """
        parts = name_parts(name)
        parts = parts[min(place.n_stripped, len(parts) - 1) :] if parts else []
        found = place.root
        for part in parts:
            if part == "..":
                found = found.parent
                continue
            real = self._listing(found).get(_key(part))
            if real is None:
                return None
            found = found / real
        return found if parts and found.is_file() else None

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
        fitting = [place for place in places if self._fits(names, place)]
        if not fitting:
            return None
        rivals = tuple(place.root for place in fitting[1:] if place.n_stripped == fitting[0].n_stripped)
        return Place(fitting[0].root, fitting[0].n_stripped, rivals)

    def _fits(self, names: Sequence[str], place: Place) -> bool:
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

    def _listing(self, folder: Path) -> dict[str, str]:
        """Names in a folder by how they are looked for; of photos also without the suffix, where only one is called so."""
        if folder not in self._listed:
            try:
                names = sorted(name for name in os.listdir(folder) if not is_litter(name))  # noqa: PTH208  names alone
            except OSError:
                names = []
            stems: dict[str, list[str]] = {}
            for name in names:
                stem, suffix = os.path.splitext(name)  # noqa: PTH122  a string operation, done for every file
                if suffix.lower() in self.suffixes:
                    stems.setdefault(_key(stem), []).append(name)
            single = {stem: same[0] for stem, same in stems.items() if len(same) == 1}
            self._listed[folder] = single | {_key(name): name for name in names}
        return self._listed[folder]


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


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
