"""From the words of an address to an inlet or an outlet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headstart.core import registry
from headstart.streaming.address import Address

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.streaming.connector import Connector, Inlet, Outlet


def connector_of(address: Address) -> Connector:
    """Find the connector of an address.

    Raises
    ------
    OptionError
        There is none for its scheme.
    """
    part = registry.get("connectors", address.scheme)
    connector: Connector = part() if isinstance(part, type) else part
    return connector


def inlet_of(text: str | Path, *, state: Path | None = None, worker: int = 0, n_workers: int = 1) -> Inlet:
    """Read from an address; nothing is connected yet.

    Parameters
    ----------
    state, worker, n_workers : as in `Address`

    Raises
    ------
    OptionError
        It is no address, has an unknown option, or cannot be read from.
    MissingExtraError
        A library is not installed.
    """
    address = replace(Address.parse(str(text)), state=state, worker=worker, n_workers=n_workers)
    connector = connector_of(address)
    address.check_options(connector.inlet_options)
    return connector.inlet(address)


def outlet_of(text: str | Path, *, worker: int = 0, n_workers: int = 1) -> Outlet:
    """Write to an address; raises as `inlet_of` does."""
    address = replace(Address.parse(str(text)), worker=worker, n_workers=n_workers)
    connector = connector_of(address)
    address.check_options(connector.outlet_options)
    return connector.outlet(address)
