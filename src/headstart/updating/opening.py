"""Make a registry of a bundle, and open one: a single process at a time may change it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.packaging.opening import load_bundle
from headstart.packaging.registries.opening import create_store, open_to_change, open_to_read, reading_errors
from headstart.updating.registry import Registry, RegistryView

if TYPE_CHECKING:
    from collections.abc import Iterator


def create_registry(place: str | Path, bundle: str | Path) -> None:
    """Make a registry whose champion is a bundle, whole or not at all.

    Parameters
    ----------
    place : a folder, or an address: `postgresql://host/database?registry=NAME` or `mlflow+http://host:port/NAME`

    Raises
    ------
    BundleError
        The bundle is missing or damaged.
    StorageError
        `place` holds something, or cannot be written.
    OptionError, ServiceError
        A database refuses the connection, or does not answer.
    """
    load_bundle(bundle)
    with create_store(place) as store:
        Registry(store).create(Path(bundle))


@contextmanager
def open_registry(place: str | Path) -> Iterator[Registry]:
    """Open a registry to change it, and settle what a crash has left undone.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    ServiceError, StorageError
        It cannot be reached, is damaged, or cannot be written.
    """
    with open_to_change(place) as store:
        registry = Registry(store)
        with reading_errors(store.shown):
            registry.settle()
        yield registry


@contextmanager
def look_into(place: str | Path) -> Iterator[RegistryView]:
    """Open a registry to read it alone, also while another process changes it; a step that is under way is seen before it or after it.

    Raises
    ------
    OptionError
        There is no registry.
    ServiceError, StorageError
        It cannot be reached or read.
    """
    with open_to_read(place) as store:
        yield RegistryView(store)
