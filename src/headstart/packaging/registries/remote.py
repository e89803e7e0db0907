"""What stores have in common that keep a version's files by their SHA-256: a version here is a local copy of what they have."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, OptionError, StorageError
from headstart.packaging.manifest import MANIFEST
from headstart.packaging.registries.local_copy import BUNDLES, KEPT, LocalCopy, contents_of, fetched_anew
from headstart.packaging.registries.log import LogEntry, added_versions, first_broken
from headstart.packaging.signing import SIGNATURE
from headstart.storage.alias import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from headstart.packaging.registries.address import RegistryAddress


class RemoteStore(ABC):
    """A registry that is no folder of this machine.

    Attributes
    ----------
    copy : what is here of it
    """

    def __init__(self, address: RegistryAddress) -> None:
        self.shown = address.shown
        self.copy = LocalCopy(address.copy, address.shown)

    @abstractmethod
    def entries(self) -> list[LogEntry]:
        """All entries of the log, oldest first."""

    @abstractmethod
    def alias(self, name: str) -> int | None:
        """The version that an alias points at; None if there is no such alias."""

    @abstractmethod
    def parts(self, path: str, sha256: str) -> Iterator[bytes]:
        """A file that was put, part by part, none of them large; nothing if there is none."""

    @abstractmethod
    def put_content(self, path: str, sha256: str, content: bytes) -> None:
        """Put a file, if it is not there.

        Parameters
        ----------
        path : where people find it, if the store has paths
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def put_version(self, number: int, bundle: Path) -> tuple[int, dict[str, Any]]:
        """Put all files of a bundle, in the transaction of the caller if there is such."""
        return number, signature_of(self.put_files(bundle))

    def put_files(self, bundle: Path) -> dict[str, str]:
        """Put all files of a bundle; give their SHA-256 by their names."""
        contents = contents_of(bundle)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        for name, content in contents.items():
            self.put_content(f"{BUNDLES}/{hashes[MANIFEST]}/{name}", hashes[name], content)
        return hashes

    def version(self, number: int, added: Mapping[str, Any]) -> Path:
        """Where a version lies here."""
        return self.copy.version(number, added, self.parts)

    def version_anew(self, number: int, added: Mapping[str, Any]) -> AbstractContextManager[Path]:
        """What the registry itself has."""
        return fetched_anew(number, added, self.parts, self.shown)

    def keep_files(self, name: str, folder: Path) -> None:  # noqa: ARG002
        """Put files; by which hashes they are found again, the log says."""
        for path in folder.iterdir():
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            self.put_content(f"{KEPT}/{sha256}", sha256, content)

    def kept_files(self, name: str, hashes: Mapping[str, str] | None) -> Path | None:  # noqa: ARG002
        """Where such files lie here."""
        return None if hashes is None else self.copy.files(hashes, self.parts)

    def bring_champion(self) -> int:
        """Bring the champion here, and then point the local link at it.

        Raises
        ------
        OptionError
            There is none.
        BundleError
            The log or the version is not as it was written; the local link stays.
        """
        number = self.alias(CHAMPION)
        if number is None:
            raise no_registry(self.shown)
        entries = self.entries()
        broken = first_broken(entries)
        if broken is not None:
            raise BundleError(
                f"entry {broken} of the log of {self.shown} is not as it was written, so that nothing new of it is opened. "
                "See what else was changed: headstart update REGISTRY --verify"
            )
        known = added_versions(entries).get(number)
        if known is None:
            raise StorageError(f"the champion of {self.shown} is version {number}, which its log does not know.")
        self.version(number, known)
        if self.copy.champion != number:
            self.copy.point_champion(number)
        return number


def signature_of(hashes: Mapping[str, str]) -> dict[str, str]:
    """What the log says of a version besides its seal: the hash of its signature, which no manifest has."""
    return {"signature": hashes[SIGNATURE]} if SIGNATURE in hashes else {}


def no_registry(shown: str) -> OptionError:
    """What is said where no registry is."""
    return OptionError(f"{shown} is no registry. Make one of a bundle with: headstart update {shown} --init BUNDLE")
