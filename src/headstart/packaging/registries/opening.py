"""Open a registry of whichever kind, and bring the champion of one that lies elsewhere here."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import ServiceError, StorageError, UserError, first_line
from headstart.packaging.registries.address import is_remote, parse
from headstart.packaging.registries.local_copy import LocalCopy
from headstart.storage.alias import is_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from headstart.packaging.registries.remote import RemoteStore
    from headstart.packaging.registries.store import ReadableStore, Store

FOLDER = "folder"
_AGAIN_S = 5.0  # until a registry that cannot be reached is asked again


def create_store(place: str | Path) -> AbstractContextManager[Store]:
    """Make an empty registry; it is there when the block has ended without an error."""
    kind, where = _kind(place)
    opened: AbstractContextManager[Store] = kind.create(where)
    return opened


def open_to_change(place: str | Path) -> AbstractContextManager[Store]:
    """Open a registry that no other process may change meanwhile.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    ServiceError, StorageError
        It cannot be reached, read or written.
    """
    kind, where = _kind(place)
    opened: AbstractContextManager[Store] = kind.open_to_change(where)
    return opened


def open_to_read(place: str | Path) -> AbstractContextManager[ReadableStore]:
    """Open a registry that another process may be changing.

    Raises
    ------
    OptionError
        There is no registry.
    ServiceError, StorageError
        It cannot be reached or read.
    """
    kind, where = _kind(place)
    opened: AbstractContextManager[ReadableStore] = kind.open_to_read(where)
    return opened


def bring_champion(place: str, told: Callable[[str], None] | None = None) -> Path:
    """Bring the champion of a registry that lies elsewhere here; give the folder of the local copy.

    Parameters
    ----------
    told : is told why an older champion is used, if the registry cannot be reached; None: that is an error

    Raises
    ------
    ServiceError
        It cannot be reached, and nothing of it is here or nobody is told.
    UserError
        There is none, or what came of it is not as it was written.
    """
    address = parse(place)
    try:
        with reading_errors(address.shown), closing(_kind(place)[0].follow(address)) as store:
            store.bring_champion()
    except ServiceError as error:
        if not is_registry(address.copy):
            raise
        number = LocalCopy(address.copy, address.shown).champion
        if told is None:
            raise ServiceError(f"{error} What came last is version {number}: {address.copy}") from error
        told(f"{error} Version {number} answers, which came before.")
    return address.copy


class Follower:
    """Keeps the local copy's link at the champion of a registry that lies elsewhere.

    If that cannot be reached, or what comes is not as it was written, the link stays; this is told once, and tried again.

    Parameters
    ----------
    told : is told what is wrong, and that it is right again
    """

    def __init__(self, place: str, told: Callable[[str], None]) -> None:
        self._kind, self._address = _kind(place)
        self._told = told
        self._copy = LocalCopy(self._address.copy, self._address.shown)
        self._store: RemoteStore | None = None
        self._problem = ""
        self._rests_until = 0.0

    def champion(self) -> int | None:
        """Look at the registry, and give the version that the link points at then."""
        if time.monotonic() >= self._rests_until:
            try:
                with reading_errors(self._address.shown):
                    self._look()
                problem = ""
            except UserError as error:
                problem = str(error)
                self._rests_until = time.monotonic() + _AGAIN_S
                self._let_go()
            if problem != self._problem and self._copy.champion is not None:  # else whoever opens it says so
                self._told(problem or f"{self._address.shown} is followed again.")
                self._problem = problem
        return self._copy.champion

    def _look(self) -> None:
        if self._store is None:
            self._store = self._kind.follow(self._address)
            self._store.bring_champion()
        elif self._store.alias("champion") != self._copy.champion:
            self._store.bring_champion()

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _kind(place: str | Path) -> tuple[Any, Any]:
    """The module of a kind of registry, imported only where one is opened, and the address or the folder that it takes."""
    where = parse(str(place)) if is_remote(place) else None
    module = import_module(f"headstart.packaging.registries.{FOLDER if where is None else where.kind}")
    return module, Path(place) if where is None else where


@contextmanager
def reading_errors(shown: str) -> Iterator[None]:
    """Say of what a registry holds that it is no registry's."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{shown} cannot be read ({first_line(error)}): what it holds is not as it was written."
        ) from error
