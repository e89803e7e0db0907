"""Connector: how records come from a place, and outputs go to one. One file and one entry point each.

An inlet delivers a record again until it is acknowledged, also after a crash; it is acknowledged when its output is durable. So nothing
is lost, and an output is written twice only if the process dies between the two: an outlet that is *idempotent* then drops the
second by its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output


class EndOfStream(Exception):  # noqa: N818  no error: a file or a pipe that has ended
    """Nothing will come any more."""


class Inlet(Protocol):
    """Where records come from. Methods are called by one task, in one event loop."""

    async def open(self) -> None:
        """Connect; create what is needed of consumer groups.

        Raises
        ------
        ServiceError
            No answer, or refused; the message names the address and the remedy.
        """
        ...

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`; none where the time is over.

        Raises
        ------
        EndOfStream
            Nothing will come any more.
        ServiceError
            The connection is lost; the caller opens the inlet again.
        """
        ...

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """These are done: never deliver them again."""
        ...

    async def close(self) -> None:
        """Give back what was not acknowledged; may be called twice, and on a broken connection."""
        ...


class Outlet(Protocol):
    """Where outputs go.

    Attributes
    ----------
    is_idempotent : whether an output whose key was written before is dropped
    """

    is_idempotent: bool

    async def open(self) -> None:
        """Connect.

        Raises
        ------
        ServiceError
            No answer, or refused.
        """
        ...

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write outputs; they are durable when this returns.

        Raises
        ------
        ServiceError, StorageError
            They may or may not be there; the caller sends the same again.
        """
        ...

    async def close(self) -> None:
        """End; may be called twice."""
        ...


class Connector(Protocol):
    """A kind of place. Registered in `headstart.connectors` under each scheme of its addresses.

    Attributes
    ----------
    inlet_options, outlet_options : what may follow `?` in an address, with one sentence each; `Address` refuses others
    """

    inlet_options: ClassVar[dict[str, str]]
    outlet_options: ClassVar[dict[str, str]]

    def inlet(self, address: Address) -> Inlet:
        """Read from an address; nothing is connected yet.

        Raises
        ------
        OptionError
            The address says too little, or the place can only be written to.
        MissingExtraError
            A library is not installed.
        """
        ...

    def outlet(self, address: Address) -> Outlet:
        """Write to an address."""
        ...
