"""Image files as items: paths made when asked for, and what the cells of an image column hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.image import check_image, is_pillow, pixels_of
from headstart.data.packed_sequence import PackedSequence, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray


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


def image_cells(cells: Sequence[Any], folder: Path | None) -> tuple[Sequence[Any], dict[int, str]]:
    """Turn the cells of an image column into items, and check that their files begin as images do.

    Parameters
    ----------
    cells : paths (relative ones start at `folder`), bytes, arrays, images of Pillow's, or dicts with 'bytes' or 'path' as Parquet holds them

    Returns
    -------
    The items, and what is wrong with those at some places.
    """
    cells = [_content(cell) for cell in cells]
    wrong = {place: reason for place, cell in enumerate(cells) if (reason := _check(cell, folder))}
    if all(isinstance(cell, str) for cell in cells):
        return ImagePaths(folder or Path(), cells), wrong
    root = folder or Path()
    return [root / cell if isinstance(cell, str | Path) else cell for cell in cells], wrong


def _content(cell: Any) -> Any:
    if is_pillow(cell):
        return pixels_of(cell)
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    return cell.strip() if isinstance(cell, str) else cell


def _check(cell: Any, folder: Path | None) -> str | None:
    if cell is None or cell == "" if not hasattr(cell, "ndim") else False:
        return "names no image"
    if isinstance(cell, bytes):
        return None if cell else "holds no bytes"
    if isinstance(cell, str | Path):
        if "\0" in str(cell):
            return "holds a path with a NUL byte"
        reason = check_image((folder or Path()) / cell)
        return f"names '{cell}', which {reason}" if reason else None
    if hasattr(cell, "ndim"):
        return None
    raise DataError(f"an image is a path, bytes or an array of pixels; this one is a {type(cell).__name__}.")
