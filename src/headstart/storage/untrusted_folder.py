"""UntrustedFolder: read files of unknown origin, only inside their folder and only of the expected type."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive, such as a torch checkpoint",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89HDF": "an HDF5 file, as Keras writes them",
    b"\x1f\x8b": "a gzip archive",
    b"GGUF": "a GGUF file",
    b"version https://git-lfs": "a pointer to a file that git-lfs has not fetched",
}
MAX_FILE_BYTES = 8 << 30
MAX_JSON_BYTES = 32 << 20
_PLAIN_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*", re.ASCII)
_BLOB = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class UntrustedFolder:
    """A folder with files of unknown origin.

    Attributes
    ----------
    path : the folder
    root : links may lead anywhere inside it: the folder itself, or for a hub snapshot the folder with its blobs
    """

    path: Path
    root: Path

    @classmethod
    def of(cls, path: Path) -> UntrustedFolder:
        """Open a folder; for a snapshot in a hub's cache (`models--ORG--NAME/snapshots/REV`) links to its blobs are allowed."""
        path = path.absolute()
        is_snapshot = path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--")
        return cls(path, (path.parent.parent if is_snapshot else path).resolve())

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.path / name).is_file() or (self.path / name).is_symlink()

    def read(self, name: str, *, limit: int = MAX_FILE_BYTES) -> bytes:
        """Read a file.

        Parameters
        ----------
        limit : its largest size, in bytes

        Raises
        ------
        SourceError
            It leads out of the folder, is no plain file, is too large, cannot be read, or is a blob whose sha256 is not its name.
        """
        target = (self.path / name).resolve()
        if not _PLAIN_NAME.fullmatch(name) or not target.is_relative_to(self.root):
            raise SourceError(f"{self.path}: '{name}' leads out of the folder. Copy the file itself to its place.")
        try:
            found = target.stat()
            if not stat.S_ISREG(found.st_mode):  # opening a pipe waits for ever
                raise SourceError(f"{self.path / name} is not a plain file. Copy the file itself to its place.")
            if found.st_size > limit:
                raise SourceError(f"{self.path / name} is too large: {found.st_size} bytes; {limit} are allowed.")
            content = target.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceError(f"{self.path / name} cannot be read ({reason}). Copy the whole folder again.") from error
        if _BLOB.fullmatch(target.name) and hashlib.sha256(content).hexdigest() != target.name:
            raise SourceError(
                f"{self.path / name} has been changed: its sha256 does not match the name of its blob. "
                f"Remove {self.root} and fetch it again."
            )
        return content

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON object; empty if there is no such file.

        Raises
        ------
        SourceError
            It is not a JSON object, or is too large.
        """
        if not self.has(name):
            return {}
        try:
            content = json.loads(self.read(name, limit=MAX_JSON_BYTES))
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{self.path / name} is not readable JSON ({error}). Copy it again.") from error
        if not isinstance(content, dict):
            raise SourceError(f"{self.path / name} must be a JSON object, got a {type(content).__name__}.")
        return content


def check_beginning(name: str, content: bytes, *, expected: str) -> None:
    """Refuse a file whose first bytes do not match its name.

    Raises
    ------
    SourceError
        It is another kind of file, or empty.
    """
    if not content:
        raise SourceError(f"{name} is empty. Copy it again.")
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            raise SourceError(
                f"{name} is not {expected}: it begins like {kind}. It was not opened. Use a file of the right format."
            )


def pins(contents: dict[str, bytes]) -> dict[str, str]:
    """The sha256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
