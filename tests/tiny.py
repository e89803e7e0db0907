"""Tiny sources that can be fetched from a folder of archives; `headstart.testing.tiny_sources` makes them."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from headstart.sources import open_source
from headstart.sources.card import Card, Download
from headstart.sources.fetching import _version
from headstart.sources.fingerprint import features_of_fixed_item
from headstart.testing.tiny_sources import IMAGES, card, files, source, tokenizer_json
from headstart.testing.tiny_weights import WORDS, state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

__all__ = [
    "IMAGES",
    "WORDS",
    "card",
    "files",
    "kept_folder",
    "open_all",
    "published",
    "source",
    "state",
    "tokenizer_json",
]


def published(architecture: str, links: Path, scratch: Path) -> Card:
    """A card whose archive lies in `links`, with the right fingerprint."""
    links.mkdir(parents=True, exist_ok=True)
    archive = links / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as box:
        for name, content in files(architecture).items():
            box.writestr(f"tiny/{name}", content)
    fingerprint = tuple(float(v) for v in features_of_fixed_item(source(architecture, scratch))[:6])
    plain = card(architecture)
    download = plain.downloads[0]
    pinned = Download(
        kind=download.kind,
        package=download.package,
        archive=download.archive,
        members=download.members,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )
    return card(architecture, fingerprint=fingerprint, downloads=(pinned,))


def open_all(architectures: Iterable[str], folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Card]:
    """Open a source of each architecture in a cache of their own, pip looking nowhere else; their cards, by name."""
    patch.setenv("HEADSTART_CACHE", str(folder / "cache"))
    patch.setenv("PIP_CONFIG_FILE", "/dev/null")
    patch.setenv("PIP_NO_INDEX", "1")
    opened = {}
    for architecture in architectures:
        made = published(architecture, folder / architecture, folder / f"scratch-{architecture}")
        patch.setenv("PIP_FIND_LINKS", str(folder / architecture))
        open_source(made, stream=None)
        opened[made.name] = made
    return opened


def kept_folder(cache: Path, made: Card) -> Path:
    return cache / "sources" / made.name / _version(made)
