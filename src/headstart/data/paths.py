"""Image files as items: paths made when asked for, and what the cells of an image column hold."""

from __future__ import annotations

import numbers
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.image import IMAGE_SUFFIXES, check_image, is_pillow, pixels_of
from headstart.data.packed_sequence import PackedSequence, pick
from headstart.data.photo_files import URL, PhotoFiles, Place
from headstart.data.shown_names import existing_form, visible
from headstart.data.values import is_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray

_NAME_LENGTH = 300
_N_LOOKED_AT = 20


class ImagePaths(PackedSequence[Path]):
    """Paths below one folder; only their names are kept.

    >>> ImagePaths(Path("photos"), ["kiwi/7.jpg"])[0].as_posix()
    'photos/kiwi/7.jpg'
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def _value(self, position: int) -> Path:
        return self._folder / self._names[position]

    def _part(self, chosen: slice | IntArray) -> ImagePaths:
        return ImagePaths(self._folder, pick(self._names, chosen))


def names_files(cells: Sequence[Any], folder: Path) -> bool:
    """Whether the first cells are different names of images at or near a folder, with or without a suffix."""
    named = [cell for cell in map(_content, cells) if not (cell is None or (isinstance(cell, str) and not cell))][
        :_N_LOOKED_AT
    ]
    if not named or not all(map(_is_name, named)):
        return False
    if len(set(named)) < 0.9 * len(named):  # classes may be called as files are
        return False
    if all(os.path.isfile(folder / cell) for cell in named):  # noqa: PTH113  Path raises where a text is too long
        return True
    files = PhotoFiles(IMAGE_SUFFIXES)
    if files.fits(named, Place(folder)):
        return True
    have_figures = sum(any(map(str.isdigit, cell)) for cell in named) >= 0.9 * len(named)
    return have_figures and files.place_of(named, folder) is not None  # other words are looked for in one folder alone


def image_cells(cells: Sequence[Any], folder: Path | None) -> tuple[Sequence[Any], dict[int, str], tuple[Notice, ...]]:
    """Turn the cells of an image column into items, and check that their files begin as images do.

    Parameters
    ----------
    cells : paths (relative ones start at `folder`), names or ids of files at or near `folder`, bytes, arrays, images of Pillow's, or
        dicts with 'bytes' or 'path' as Parquet holds them

    Returns
    -------
    The items, what is wrong with those at some places, and where the files were found if not where the cells say.
    """
    cells = [_content(cell) for cell in cells]
    if folder is None:
        cells = [_in_form_of_disk(cell) for cell in cells]
    root = folder or Path()
    wrong = {place: reason for place, cell in enumerate(cells) if (reason := _check(cell, root))}
    notices: tuple[Notice, ...] = ()
    lost = [place for place in wrong if _is_name(cells[place])]
    if lost and folder is not None:
        notices = _find_elsewhere(cells, lost, wrong, folder)
    if all(isinstance(cell, str) for cell in cells):
        return ImagePaths(root, cells), wrong, notices
    return [root / cell if isinstance(cell, str | Path) else cell for cell in cells], wrong, notices


def _find_elsewhere(cells: list[Any], lost: list[int], wrong: dict[int, str], folder: Path) -> tuple[Notice, ...]:
    """Put what was found near the folder in the place of cells that name no file as they stand."""
    files = PhotoFiles(IMAGE_SUFFIXES)
    place = files.place_of([cells[i] for i in lost], folder)
    if place is None:
        return ()
    if place.rivals:
        named = " and ".join(f"'{os.path.relpath(root, folder)}'" for root in (place.root, *place.rivals)[:3])
        for i in lost:
            wrong[i] = (
                f"names '{visible(cells[i])}', and there is a file of that name in {named}; name one of them with --images"
            )
        return ()
    for i in lost:
        found = files.find(cells[i], place)
        if found is not None:
            cells[i] = os.path.relpath(found, folder)
            reason = _check(cells[i], folder)
            wrong.pop(i) if reason is None else wrong.update({i: reason})
    if place == Place(folder):
        return ()
    first = next((cells[i] for i in lost if i not in wrong), None)
    message = f"the images are taken from '{place.root}', the first is '{first}' (change with --images)."
    return (Notice(kind="guess", message=message),) if first else ()


def _content(cell: Any) -> Any:
    if is_pillow(cell):
        return pixels_of(cell)
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if is_null(cell):
        return None
    if isinstance(cell, numbers.Integral) and not isinstance(cell, bool):
        return str(cell)  # an id
    return cell.strip() if isinstance(cell, str) else cell


def _in_form_of_disk(cell: Any) -> Any:
    return str(existing_form(Path(cell))) if _is_name(cell) and not cell.isascii() else cell


def _is_name(cell: Any) -> bool:
    is_short = isinstance(cell, str) and 0 < len(cell) < _NAME_LENGTH
    return is_short and "\0" not in cell and "\n" not in cell


def _check(cell: Any, folder: Path) -> str | None:
    if hasattr(cell, "ndim"):
        return None
    if cell is None or cell == "":
        return "names no image"
    if isinstance(cell, bytes):
        return None if cell else "holds no bytes"
    if not isinstance(cell, str | Path):
        raise DataError(f"an image is a path, bytes or an array of pixels; this one is a {type(cell).__name__}.")
    return _check_file(str(cell), folder)


def _check_file(name: str, folder: Path) -> str | None:
    """What is wrong with the file of a name, to be read after the row's, or None."""
    if "\0" in name:
        return "holds a path with a NUL byte"
    reason = check_image(folder / name)
    if reason is None:
        return None
    shown = visible(name)
    if not reason.startswith("does not exist"):
        return f"names '{shown}', which {reason}"
    if URL.match(name):
        return f"names the URL '{shown}', and nothing is fetched; download the images and write their paths"
    return (
        f"names '{shown}', which does not exist (searched in '{visible(str(folder.absolute()))}'); "
        "correct the path, or name the folder of the images with --images"
    )
