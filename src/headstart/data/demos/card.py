"""DemoCard: where a demo dataset comes from, under which license, and what it holds."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

from headstart.core.errors import InternalError, unknown_name


@dataclass(frozen=True, kw_only=True)
class DemoCard:
    """One dataset; every field but the last is required.

    Attributes
    ----------
    form : 'folder' (a subfolder a class) or 'table' (one CSV or Parquet file)
    recipe : the function of `recipes` that makes it
    package, version, filename, sha256 : the archive on the package index
    members : paths inside the archive, or beginnings of paths
    n_items : items by split
    license : the package's word; `license_note` says what it covers
    target : the column to predict, where it has to be said; '' where its name says so
    """

    name: str
    summary: str
    modality: str
    task: str
    form: str
    recipe: str
    package: str
    version: str
    filename: str
    sha256: str
    members: tuple[str, ...]
    n_items: dict[str, int]
    license: str
    license_note: str
    citation: str
    target: str = ""


def list_demos() -> tuple[DemoCard, ...]:
    """Read all cards, sorted by name."""
    folder = files("headstart.data.demos")
    cards = [_read(entry.read_text("utf-8"), entry.name) for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(cards, key=lambda card: card.name))


def find_demo(name: str) -> DemoCard:
    """Find a card.

    Raises
    ------
    OptionError
        There is none of that name; the message gives the nearest.

    Examples
    --------
    >>> find_demo("groceries").task
    'multiclass'
    """
    cards = {card.name: card for card in list_demos()}
    if name not in cards:
        raise unknown_name("demo", name, cards)
    return cards[name]


def _read(text: str, filename: str) -> DemoCard:
    values = tomllib.loads(text)
    known = {one.name for one in fields(DemoCard)}
    wrong = (known - {"target"} - set(values)) | (set(values) - known)
    if wrong:
        raise InternalError(f"demo card {filename}: fields {sorted(wrong)} are missing or unknown.")
    return DemoCard(**{**values, "members": tuple(values["members"])})
