"""Store: what every kind of registry must be able to do; what a promotion or a rollback means is said above it, once for all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from headstart.packaging.registries.log import LogEntry


class ReadableStore(Protocol):
    """A registry that is read, also while another process changes it.

    Attributes
    ----------
    shown : what people call it, without a password
    """

    shown: str

    def entries(self) -> list[LogEntry]:
        """All entries of the log, oldest first."""
        ...

    def alias(self, name: str) -> int | None:
        """The version that an alias points at; None if there is no such alias."""
        ...

    def comparisons(self) -> list[tuple[int, dict[str, Any]]]:
        """Comparisons that go on, the latest first: the number and what was kept."""
        ...

    def version(self, number: int, added: Mapping[str, Any]) -> Path:
        """A folder where the files of a version lie, by what the log says of it; they are brought here if they lie elsewhere."""
        ...

    def version_anew(self, number: int, added: Mapping[str, Any]) -> AbstractContextManager[Path]:
        """The same, of what the registry itself has now, whatever was brought here before."""
        ...

    def kept_files(self, name: str, hashes: Mapping[str, str] | None) -> Path | None:
        """A folder of files that were kept under a name; None if there are none.

        Parameters
        ----------
        hashes : SHA-256 of each, as the log says; None where it says nothing
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Store(ReadableStore, Protocol):
    """A registry that this process alone may change, until it is closed."""

    def transaction(self) -> AbstractContextManager[None]:
        """What is written in the block, aliases and files excepted, is written whole or not at all."""
        ...

    def step(self) -> AbstractContextManager[None]:
        """Several transactions with what lies between them: whole or not at all if the store can do that; else each is one of its own."""
        ...

    def append(self, step: str, detail: Mapping[str, Any]) -> None:
        """Write an entry of the log, in the transaction of the caller."""
        ...

    def keep_comparison(self, said: Mapping[str, Any], number: int | None, keys: Sequence[bytes]) -> int:
        """Keep a comparison and keys of records that it has counted, in the transaction of the caller; give its number.

        Parameters
        ----------
        number : None for a new one
        """
        ...

    def end_comparison(self, number: int) -> None:
        """It goes on no more, and its keys go, in the transaction of the caller."""
        ...

    def counted(self, number: int) -> set[bytes]:
        """Keys of records that a comparison has counted."""
        ...

    def keep_fitted(self, number: int, keys: Iterable[bytes]) -> None:
        """Keep keys of records that a version learned from, in the transaction of the caller."""
        ...

    def fitted(self, number: int) -> set[bytes]:
        """Keys of records that a version, or an earlier one, learned from."""
        ...

    def point_alias(self, name: str, number: int) -> None:
        """Point an alias at a version, so that at every moment there is exactly one."""
        ...

    def remove_alias(self, name: str) -> None:
        """Take an alias away, if it is there."""
        ...

    def put_version(self, number: int, bundle: Path) -> tuple[int, dict[str, Any]]:
        """Copy a bundle in.

        Parameters
        ----------
        number : that it gets if the store does not number versions itself

        Returns
        -------
        Its number, and what the log must say of it besides its seal.
        """
        ...

    def keep_files(self, name: str, folder: Path) -> None:
        """Copy the files of a folder in, in the place of those that were kept under that name."""
        ...
