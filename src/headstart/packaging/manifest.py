"""The manifest of a bundle: what each file holds and the hash that it must have."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError
from headstart.core.strict_json import to_json
from headstart.packaging.signing import MAX_SIGNATURE_BYTES, SIGNATURE, Trust, check_signature, required_trust, sign
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"

MAX_MANIFEST_BYTES = 16 << 20
MAX_FILES = 1000
MAX_FILE_BYTES = 2 << 30  # what a protocol buffer, and so an ONNX graph in one piece, can hold
MAX_BUNDLE_BYTES = 4 << 30

_FIELDS: dict[str, type] = {
    "name": str,
    "task": str,
    "modality": str,
    "labels": list,
    "columns": dict,
    "deployed": str,
    "source": str,
    "created": str,
    "input": dict,
}
_INPUT_FIELDS: dict[str, type] = {"kind": str, "settings": dict, "files": dict}
_KINDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}
_SAFE_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?", re.ASCII)
_COPY_AGAIN = "Copy the whole bundle again from where it was made, or make it again with 'headstart fit', a source with 'headstart pretrain'."


def seal(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a folder whose other files are all in place; a signature of an older manifest goes."""
    (folder / SIGNATURE).unlink(missing_ok=True)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = {path.relative_to(folder).as_posix(): _fingerprint(path.read_bytes()) for path in paths}
    manifest = {"schema": SCHEMA_VERSION, **content, "files": files}
    (folder / MANIFEST).write_text(to_json({**manifest, "sha256": _digest(manifest)}), encoding="utf-8")


def sign_bundle(folder: str | Path, key: str | Path) -> Path:
    """Sign a whole and unchanged bundle with a private key; return the path of the signature, `manifest.sig`.

    Raises
    ------
    BundleError
        It is not as it was sealed.
    OptionError
        `key` is not an Ed25519 private key.
    """
    folder = Path(folder)
    for name in (sealed := open_sealed(folder, trust=())).content["files"]:
        sealed.read(name)
    write_file(folder / SIGNATURE, sign(sealed.manifest, Path(key).expanduser()))
    return folder / SIGNATURE


@dataclass(frozen=True)
class Sealed:
    """A bundle's folder and its checked manifest; every byte read through it has the hash that the manifest says.

    Attributes
    ----------
    manifest : the bytes that `content` was read from
    signer : whose trusted key signed it; '' where no signature was required
    """

    folder: Path
    content: Mapping[str, Any]
    manifest: bytes
    signer: str

    def read(self, name: str) -> bytes:
        """Read one file of the bundle.

        Raises
        ------
        BundleError
            It is not listed, missing, of another length, or changed.
        """
        wanted = self.content["files"].get(name) if isinstance(name, str) else None
        if wanted is None:
            raise BundleError(f"{self.folder / MANIFEST} lists no file {name!r}, which the bundle needs. {_COPY_AGAIN}")
        path = self.folder / name
        found = _size(path)
        if found != wanted["bytes"]:
            raise BundleError(f"{path} has {found} bytes and should have {wanted['bytes']}. {_COPY_AGAIN}")
        content = _bytes_of(path, found)
        if _fingerprint(content) != wanted:
            raise BundleError(f"{path} has been changed: its sha256 is not the manifest's. {_COPY_AGAIN}")
        return content


def open_sealed(folder: Path, trust: Trust | None = None) -> Sealed:
    """Read the manifest of a bundle and look at the names of its files; their content is checked when it is read.

    Parameters
    ----------
    trust : whose signature is required; None for what HEADSTART_TRUST says, () for nobody's

    Raises
    ------
    BundleError
        The folder is not a bundle, was made by a newer Headstart, holds something it should not, or lacks a signature
        that is required.
    """
    manifest = read_manifest(folder)
    trust = required_trust(trust)
    signer = "" if trust == () else check_signature(_signature_of(folder), manifest, trust, folder)
    content = _parse(manifest, folder)
    _check_schema(folder, content)
    if content.pop("sha256", None) != _digest(content):
        raise BundleError(f"{folder / MANIFEST} has been changed: it is not as it was sealed. {_COPY_AGAIN}")
    check_files(folder / MANIFEST, content["files"])
    _check_folder(folder, content["files"])
    _check_fields(folder, content, _FIELDS)
    _check_fields(folder, content["input"], _INPUT_FIELDS)
    if not all(isinstance(label, str) for label in content["labels"]):
        raise BundleError(f"each of 'labels' in {folder / MANIFEST} must be a text. {_COPY_AGAIN}")
    return Sealed(folder, content, manifest, signer)


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder looks like a bundle, of whatever version, whole or damaged."""
    try:
        return "schema" in _parse(read_manifest(folder), folder)
    except BundleError:
        return False


def check_files(manifest: Path, files: Mapping[str, Any]) -> None:
    """Check what a manifest says of its files before any of them is opened.

    Raises
    ------
    BundleError
        A name leads outside, an entry is none, or the files are more or larger than is allowed.
    """
    for name, entry in files.items():
        if not _SAFE_NAME.fullmatch(name):
            raise BundleError(f"{manifest} names a file outside the bundle: {name!r}. Do not trust this bundle.")
        size = entry.get("bytes") if isinstance(entry, dict) else None
        if type(size) is not int or size < 0:
            raise BundleError(f"{manifest} does not say how long {name!r} is. {_COPY_AGAIN}")
        if size > MAX_FILE_BYTES:
            raise BundleError(
                f"{manifest} says that {name!r} is too large: {size} bytes; {MAX_FILE_BYTES} are allowed."
            )
    if len(files) > MAX_FILES:
        raise BundleError(f"{manifest} lists too many files: {len(files)}; {MAX_FILES} are allowed.")
    total = sum(entry["bytes"] for entry in files.values())
    if total > MAX_BUNDLE_BYTES:
        raise BundleError(f"{manifest} lists files that are too large: {total} bytes; {MAX_BUNDLE_BYTES} are allowed.")


def read_manifest(folder: Path) -> bytes:
    """Read the bytes of a bundle's manifest, within their limit.

    Raises
    ------
    BundleError
        There is no bundle there, or its manifest is too large or cannot be read.
    """
    if not folder.exists():
        raise BundleError(f"there is no bundle at {folder}. Give the folder that 'headstart fit --out' wrote.")
    if not folder.is_dir() or not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} is not a bundle: a bundle is a folder with a {MANIFEST}. "
            "Give the folder that 'headstart fit --out' wrote."
        )
    return _bytes_of(folder / MANIFEST, MAX_MANIFEST_BYTES)


def _signature_of(folder: Path) -> bytes | None:
    path = folder / SIGNATURE
    return _bytes_of(path, MAX_SIGNATURE_BYTES) if path.exists() or path.is_symlink() else None


def _parse(manifest: bytes, folder: Path) -> dict[str, Any]:
    try:
        content = json.loads(manifest)
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


def _check_fields(folder: Path, content: Mapping[str, Any], fields: Mapping[str, type]) -> None:
    for name, kind in fields.items():
        if name not in content:
            raise BundleError(f"{folder} lacks '{name}' in its manifest. Make the bundle again with 'headstart fit'.")
        if not isinstance(content[name], kind):
            raise BundleError(f"'{name}' in {folder / MANIFEST} must be {_KINDS[kind]}. {_COPY_AGAIN}")


def _check_folder(folder: Path, files: Mapping[str, Any]) -> None:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name, path in found.items():
        if path.is_symlink():
            raise BundleError(f"{path} is a symbolic link; a bundle holds only real files. {_COPY_AGAIN}")
        # what a desktop leaves (.DS_Store) is never read and does no harm
        is_hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_file() and not is_hidden and name not in files and name not in (MANIFEST, SIGNATURE):
            raise BundleError(
                f"{path} does not belong to the bundle: its manifest does not list it. Move it elsewhere."
            )
    missing = sorted(set(files) - set(found))
    if missing:
        raise BundleError(f"{folder / missing[0]} is missing from the bundle. {_COPY_AGAIN}")


def _size(path: Path) -> int:
    """How long a file is, found without opening it: opening a pipe waits for ever."""
    try:
        found = path.lstat()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}. {_COPY_AGAIN}") from error
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(f"{path} is not a plain file; a bundle holds only real files. {_COPY_AGAIN}")
    return found.st_size


def _bytes_of(path: Path, limit: int) -> bytes:
    if _size(path) > limit:
        raise BundleError(f"{path} is too large: at most {limit} bytes are read. Do not trust this bundle.")
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}. {_COPY_AGAIN}") from error


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _digest(manifest: Mapping[str, Any]) -> str:
    """What seals a manifest; '' where it is nested so deeply, or has such letters, that no bundle was sealed so."""
    try:
        return hashlib.sha256(to_json(manifest).encode()).hexdigest()
    except (RecursionError, UnicodeEncodeError):
        return ""
