"""The manifest of a bundle: what each file holds and the hash that it must have."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError
from headstart.packaging.strict_json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"

_SAFE_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?", re.ASCII)
_COPY_AGAIN = "Copy the whole bundle again from where it was made, or make it again with 'headstart fit'."


def seal(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a folder whose other files are all in place."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = {path.relative_to(folder).as_posix(): _fingerprint(path.read_bytes()) for path in paths}
    manifest = {"schema": SCHEMA_VERSION, **content, "files": files}
    (folder / MANIFEST).write_text(to_json({**manifest, "sha256": _digest(manifest)}), encoding="utf-8")


@dataclass(frozen=True)
class Sealed:
    """A bundle's folder and its checked manifest; every byte read through it has the hash that the manifest says."""

    folder: Path
    content: Mapping[str, Any]

    def read(self, name: str) -> bytes:
        """Read one file of the bundle.

        Raises
        ------
        BundleError
            It is not listed, missing, of another length, or changed.
        """
        wanted = self.content["files"].get(name)
        if wanted is None:
            raise BundleError(f"{self.folder / MANIFEST} lists no file {name!r}, which the bundle needs. {_COPY_AGAIN}")
        content = _bytes_of(self.folder / name)
        if len(content) != wanted["bytes"]:
            raise BundleError(
                f"{self.folder / name} has {len(content)} bytes and should have {wanted['bytes']}. {_COPY_AGAIN}"
            )
        if _fingerprint(content) != wanted:
            raise BundleError(f"{self.folder / name} has been changed: its sha256 is not the manifest's. {_COPY_AGAIN}")
        return content


def open_sealed(folder: Path) -> Sealed:
    """Read the manifest of a bundle and look at the names of its files; their content is checked when it is read.

    Raises
    ------
    BundleError
        The folder is not a bundle, was made by a newer Headstart, or holds something it should not.
    """
    content = _read_manifest(folder)
    _check_schema(folder, content)
    claimed = content.pop("sha256", None)
    if claimed != _digest(content):
        raise BundleError(f"{folder / MANIFEST} has been changed: it is not as it was sealed. {_COPY_AGAIN}")
    _check_names(folder, content["files"])
    return Sealed(folder, content)


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder looks like a bundle, of whatever version, whole or damaged."""
    try:
        return "schema" in _read_manifest(folder)
    except BundleError:
        return False


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise BundleError(f"there is no bundle at {folder}. Give the folder that 'headstart fit --out' wrote.")
    if not folder.is_dir() or not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} is not a bundle: a bundle is a folder with a {MANIFEST}. "
            "Give the folder that 'headstart fit --out' wrote."
        )
    try:
        content = json.loads(_bytes_of(folder / MANIFEST))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder / MANIFEST} is not readable JSON ({error}). {_COPY_AGAIN}") from error
    if not isinstance(content, dict):
        raise BundleError(f"{folder / MANIFEST} is not a bundle's manifest. {_COPY_AGAIN}")
    return content


def _check_schema(folder: Path, content: Mapping[str, Any]) -> None:
    version = content.get("schema")
    if not isinstance(version, int) or version < 1 or not isinstance(content.get("files"), dict):
        raise BundleError(f"{folder / MANIFEST} is not a bundle's manifest. {_COPY_AGAIN}")
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"{folder} was made by a newer Headstart ({content.get('headstart', 'version unknown')}): its format is "
            f"{version}, this one reads up to {SCHEMA_VERSION}. Upgrade with: pip install --upgrade headstart"
        )


def _check_names(folder: Path, files: Mapping[str, Any]) -> None:
    for name in files:
        if not _SAFE_NAME.fullmatch(name):
            raise BundleError(
                f"{folder / MANIFEST} names a file outside the bundle: {name!r}. Do not trust this bundle."
            )
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name, path in found.items():
        if path.is_symlink():
            raise BundleError(f"{path} is a symbolic link; a bundle holds only real files. {_COPY_AGAIN}")
        # what a desktop leaves (.DS_Store) is never read and does no harm
        is_hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_file() and not is_hidden and name not in files and name != MANIFEST:
            raise BundleError(
                f"{path} does not belong to the bundle: its manifest does not list it. Move it elsewhere."
            )
    missing = sorted(set(files) - set(found))
    if missing:
        raise BundleError(f"{folder / missing[0]} is missing from the bundle. {_COPY_AGAIN}")


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}. {_COPY_AGAIN}") from error


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(manifest).encode()).hexdigest()
