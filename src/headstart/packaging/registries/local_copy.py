"""A local copy of a registry that lies elsewhere: the versions that were needed here, and a link `champion` to one of them.

It is a folder as a registry in a folder is one, so that all that reads a champion reads it too. Nothing that comes is believed without its hash:
that of a version's manifest stands in the log, whose chain is looked through first, and those of its files in the manifest.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError
from headstart.packaging.manifest import (
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    check_files,
    is_bundle,
    open_sealed,
    read_manifest,
)
from headstart.packaging.signing import MAX_SIGNATURE_BYTES, SIGNATURE
from headstart.storage.alias import CHAMPION, COPY_OF, VERSIONS, point_alias, read_alias, version_folder
from headstart.storage.files import replacing, storage_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Parts = Callable[[str, str], Iterator[bytes]]  # of the file at a path of the registry, whose SHA-256 is known

BUNDLES, KEPT = "bundles", "kept"
_HASH = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"(?!\.)[\w.-]{1,200}", re.ASCII)


class LocalCopy:
    """What is here of a registry.

    Parameters
    ----------
    folder : made where it is needed
    shown : what people call the registry
    """

    def __init__(self, folder: Path, shown: str) -> None:
        self.folder = folder
        self._shown = shown

    @property
    def champion(self) -> int | None:
        """The version that the link points at; None if there is none yet."""
        return read_alias(self.folder, CHAMPION)

    def point_champion(self, number: int) -> None:
        """Move the link to a version that is here."""
        point_alias(self.folder, CHAMPION, number)

    def version(self, number: int, added: Mapping[str, Any], parts: Parts) -> Path:
        """Where a version lies; it is fetched if it is not here, or is not the one that the log says.

        Raises
        ------
        BundleError
            What came has not the hash that it must have, or is too large.
        """
        path = version_folder(self.folder, number)
        with self._alone():
            if not _is_whole(path, str(added["seal"])):
                with replacing(path) as new:
                    fetch_version(new, number, added, parts, self._shown)
        return path

    def files(self, hashes: Mapping[str, str], parts: Parts) -> Path:
        """Where files lie that are known by their hashes."""
        key = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
        path = self.folder / KEPT / key[:16]
        with self._alone():
            if not path.is_dir():
                with replacing(path) as new:
                    new.mkdir()
                    for name, sha256 in hashes.items():
                        if not _PLAIN.fullmatch(name):
                            raise BundleError(f"{self._shown} keeps a file named {name!r}. Keep the items again.")
                        kept = partial(parts, f"{KEPT}/{sha256}")
                        fetch_file(new / name, sha256, MAX_FILE_BYTES, kept, f"what {self._shown} keeps")
        return path

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time writes here; the others wait."""
        with storage_errors(self.folder / VERSIONS):
            (self.folder / VERSIONS).mkdir(parents=True, exist_ok=True)
            (self.folder / COPY_OF).write_text(self._shown, encoding="utf-8")
            with (self.folder / ".fetching").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield


@contextmanager
def fetched_anew(number: int, added: Mapping[str, Any], parts: Parts, shown: str) -> Iterator[Path]:
    """Fetch a version into a folder that goes when the block ends."""
    with TemporaryDirectory(prefix="headstart-") as place:
        path = Path(place) / str(number)
        fetch_version(path, number, added, parts, shown)
        yield path


def fetch_version(folder: Path, number: int, added: Mapping[str, Any], parts: Parts, shown: str) -> None:
    """Fetch the files of a version into a new folder."""
    where = f"version {number} of {shown}"
    seal = str(added["seal"])

    def fetch(name: str, sha256: str, n_bytes: int) -> None:
        fetch_file(folder / name, sha256, n_bytes, partial(parts, f"{BUNDLES}/{seal}/{name}"), where)

    folder.mkdir()
    fetch(MANIFEST, seal, MAX_MANIFEST_BYTES)
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
        check_files(folder / MANIFEST, files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{where} has no manifest of a bundle. Roll back to a version before it.") from error
    for name, entry in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        fetch(name, str(entry.get("sha256")), entry["bytes"])
    if "signature" in added:
        fetch(SIGNATURE, str(added["signature"]), MAX_SIGNATURE_BYTES)


def fetch_file(path: Path, sha256: str, n_bytes: int, parts: Callable[[str], Iterator[bytes]], where: str) -> None:
    """Write the parts of one file, at most so many bytes, and check its hash.

    Raises
    ------
    BundleError
        It is another file, or too large.
    """
    with path.open("wb") as file:
        for part in checked_parts(parts, sha256, n_bytes):
            if part is None:
                raise BundleError(
                    f"{path.name} is missing, or is not the file that was added: its sha256 is not as written. It is of {where}. "
                    "Roll back to another version (--rollback), or restore it there from a copy."
                )
            file.write(part)


def checked_parts(parts: Callable[[str], Iterator[bytes]], sha256: str, n_bytes: int) -> Iterator[bytes | None]:
    """The parts of one file, at most so many bytes; None at the end if it is another file, or too large."""
    digest, n_left = hashlib.sha256(), n_bytes
    for part in parts(sha256) if _HASH.fullmatch(sha256) else ():
        n_left -= len(part)
        if n_left < 0:
            break
        digest.update(part)
        yield part
    if n_left < 0 or digest.hexdigest() != sha256:
        yield None


def contents_of(bundle: Path) -> dict[str, bytes]:
    """Files of a whole bundle by their names, its manifest and its signature among them."""
    sealed = open_sealed(bundle, trust=())
    found = {MANIFEST: sealed.manifest, **{name: sealed.read(name) for name in sealed.content["files"]}}
    if (bundle / SIGNATURE).is_file():
        found[SIGNATURE] = (bundle / SIGNATURE).read_bytes()[:MAX_SIGNATURE_BYTES]
    return found


def _is_whole(path: Path, seal: str) -> bool:
    """Whether the version that was sealed so lies there; its files are checked when they are opened."""
    return is_bundle(path) and hashlib.sha256(read_manifest(path)).hexdigest() == seal
