"""Standard input and output, `-`: JSON lines, one record a line."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import DataError, OptionError
from headstart.storage.files import storage_errors
from headstart.streaming.json_lines import LineCutter, LongLine, line_of, too_long
from headstart.streaming.pump import Pump
from headstart.streaming.record import Delivery, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.record import Output

_CHUNK_BYTES = 1 << 16
_JSON = {"content-type": "application/json"}


class Stdio:
    """The connector."""

    inlet_options: ClassVar[dict[str, str]] = {}
    outlet_options: ClassVar[dict[str, str]] = {}

    def inlet(self, address: Address) -> Inlet:
        """Read standard input."""
        _check_alone(address)
        return StandardInput()

    def outlet(self, address: Address) -> Outlet:
        """Write to standard output."""
        _check_alone(address)
        return StandardOutput()


def _check_alone(address: Address) -> None:
    if address.n_workers > 1:
        raise OptionError(
            "several workers cannot share standard input and output. Leave --workers out, or name a file."
        )


class StandardInput:
    """JSON lines of a pipe; what was read cannot be read again, so a key is new in every run."""

    def __init__(self) -> None:
        self._pump: Pump[bytes] | None = None
        self._run = secrets.token_hex(4)
        self._n_lines = 0

    async def open(self) -> None:
        """Begin to read."""
        if self._pump is None:
            self._pump = Pump(_lines)

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Take lines; blank ones are none."""
        assert self._pump is not None
        found = []
        for line in await self._pump.get(n, timeout_s):
            self._n_lines += 1
            if not line.isspace():
                key = f"stdin-{self._run}-{self._n_lines}"
                error = too_long(f"line {self._n_lines} of standard input") if isinstance(line, LongLine) else ""
                record = Record(key=key, content=line, attributes=_JSON)
                found.append(Delivery(record=record, raw=line.rstrip(b"\r\n"), error=error))
        return found

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """A pipe needs none."""

    async def close(self) -> None:
        """Leave it: what was read stays read, so it goes on where it was when it is opened again."""


class StandardOutput:
    """JSON lines, flushed after each batch."""

    is_idempotent = False

    async def open(self) -> None:
        """It is open.

        Raises
        ------
        OptionError
            The caller has closed it.
        """
        if sys.stdout is None or not sys.stdout.writable():
            raise OptionError("standard output is closed. Redirect it, or name another place with --to.")

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write them."""
        await asyncio.to_thread(_write, b"".join(line_of(one.value) for one in outputs))

    async def close(self) -> None:
        """It stays open."""


def _lines() -> Iterator[bytes]:
    descriptor = _descriptor()
    cutter = LineCutter()
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        yield from cutter.feed(chunk)
    if cutter.rest:
        yield cutter.rest


def _descriptor() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise DataError("standard input is closed. Pipe JSON lines into the command, or name a file.") from None


def _write(content: bytes) -> None:
    with storage_errors(Path("standard output")):
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:
            sys.stdout.write(content.decode())
        else:
            buffer.write(content)
        sys.stdout.flush()
