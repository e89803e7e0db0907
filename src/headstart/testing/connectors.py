"""What every connector promises: `headstart.streaming.connectors`."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError
from headstart.streaming.address import Address
from headstart.streaming.connector import EndOfStream
from headstart.streaming.reading import value_of
from headstart.streaming.record import Output
from headstart.testing.checks import empty_folder, expect, expect_equal, expect_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from pathlib import Path

    from headstart.streaming.connector import Connector, Inlet, Outlet
    from headstart.streaming.record import Delivery
    from headstart.testing.checks import Subject

_N = 7
_PATIENCE_S = 10.0
_SILENCE_S = 0.3


@dataclass(frozen=True, kw_only=True)
class ConnectorExample:
    """A place of its own for each check, where what is sent comes in again.

    Attributes
    ----------
    place : called with an empty folder, gives the address to read from and the one to write to, until its block ends
    redelivers : whether what was not acknowledged comes again after a reopen; a pipe cannot
    """

    place: Callable[[Path], AbstractContextManager[tuple[str, str]]]
    redelivers: bool = True


def cases(subject: Subject) -> dict[str, ConnectorChecks]:
    """A place that the example gives is the only case."""
    part = subject.part
    return {"": ConnectorChecks(part() if isinstance(part, type) else part, subject.example)}


@dataclass(frozen=True)
class ConnectorChecks:
    """Inlet and outlet of one place."""

    connector: Connector
    example: ConnectorExample

    def check_what_is_sent_arrives_once(self) -> None:
        """What is sent arrives, all of it, once, in its order, with keys that are all different."""

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet, place.inlet() as inlet:
                await outlet.send(_outputs(0, _N))
                came = await _receive(inlet, _N)
                await inlet.acknowledge(came)
                expect_equal(_numbers(came), list(range(_N)), "the records that came")
                expect_equal(len({one.record.key for one in came if one.record}), _N, "the number of different keys")
                expect_equal(_numbers(await _listen(inlet)), [], "what came after all were acknowledged")

        self._run(run)

    def check_unacknowledged_comes_again(self) -> None:
        """After a reopen the records that were not acknowledged come again under the same keys, and the others do not."""
        if not self.example.redelivers:
            return

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet:
                await outlet.send(_outputs(0, _N))
            async with place.inlet() as inlet:
                came = await _receive(inlet, _N)
                await inlet.acknowledge(came[:3])
            async with place.inlet() as inlet:
                again = await _receive(inlet, _N - 3)
                expect_equal(_numbers(again), list(range(3, _N)), "the records that came again")
                expect_equal(_keys(again), _keys(came[3:]), "their keys")
                await inlet.acknowledge(again)
            async with place.inlet() as inlet:
                expect_equal(_numbers(await _listen(inlet)), [], "what came after all were acknowledged")

        self._run(run)

    def check_the_same_inlet_can_be_opened_again(self) -> None:
        """An inlet that is closed and opened again gives what was not acknowledged, and goes on."""
        if not self.example.redelivers:
            return

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet, place.inlet() as inlet:
                await outlet.send(_outputs(0, 4))
                await inlet.acknowledge((await _receive(inlet, 4))[:2])
                await inlet.close()
                await inlet.open()
                await outlet.send(_outputs(4, _N))
                expect_equal(sorted(_numbers(await _receive(inlet, _N - 2))), list(range(2, _N)), "what came then")

        self._run(run)

    def check_a_key_is_written_once(self) -> None:
        """An outlet that calls itself idempotent writes each key once, also where it is opened again in between."""

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet:
                if not outlet.is_idempotent:
                    return
                await outlet.send(_outputs(0, 4))
                await outlet.send(_outputs(2, 5))
            async with place.outlet() as outlet:
                await outlet.send(_outputs(0, _N))
            async with place.inlet() as inlet:
                came = [*await _receive(inlet, _N), *await _listen(inlet)]
                expect_equal(sorted(_numbers(came)), list(range(_N)), "the records that came")

        self._run(run)

    def check_takes_no_more_than_it_is_asked_for(self) -> None:
        """No more records come than are asked for."""

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet, place.inlet() as inlet:
                await outlet.send(_outputs(0, _N))
                came: list[Delivery] = []
                end = time.monotonic() + _PATIENCE_S
                while len(came) < _N and time.monotonic() < end:
                    some = await inlet.receive(2, 1.0)
                    expect(len(some) <= 2, f"Expected at most 2 records, got {len(some)}.")
                    came += some
                expect_equal(_numbers(came), list(range(_N)), "the records that came")

        self._run(run)

    def check_waits_no_longer_than_it_may(self) -> None:
        """Where nothing is there, it gives nothing after the time that it may wait, or says that the stream has ended."""

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet, place.inlet() as inlet:
                await outlet.send(_outputs(0, 1))
                await inlet.acknowledge(await _receive(inlet, 1))
                started = time.monotonic()
                came = await _received(inlet, 5, 0.2)
                seconds = time.monotonic() - started
                expect_equal(_numbers(came), [], "what came where nothing was sent")
                expect(seconds < 3.0, f"Expected an answer after 0.2 s, got one after {seconds:.1f} s.")

        self._run(run)

    def check_can_be_closed_twice(self) -> None:
        """Inlet and outlet can be closed twice."""

        async def run(place: _Place) -> None:
            async with place.outlet() as outlet, place.inlet() as inlet:
                await outlet.send(_outputs(0, 1))
                await outlet.close()
                await inlet.close()

        self._run(run)

    def check_names_unknown_options(self) -> None:
        """An option that it does not know is refused by name, unless it is the server's."""
        for known in (self.connector.inlet_options, self.connector.outlet_options):
            if "no-such-option" not in known:
                address = Address(scheme="here", text="here", options={"no-such-option": "1"})
                expect_error(OptionError, "no-such-option", partial(address.check_options, known))
            blank = [name for name, said in known.items() if not said.strip()]
            expect(not blank, f"Expected a sentence for each option, got none for {blank}.")

    def _run(self, run: Callable[[_Place], Coroutine[Any, Any, None]]) -> None:
        with empty_folder() as folder, self.example.place(folder) as (from_, to):
            asyncio.run(run(_Place(self.connector, from_, to, folder / "state")))


@dataclass(frozen=True)
class _Place:
    connector: Connector
    from_: str
    to: str
    state: Path

    @asynccontextmanager
    async def inlet(self) -> AsyncIterator[Inlet]:
        """A new inlet, open."""
        inlet = self.connector.inlet(replace(Address.parse(self.from_), state=self.state))
        await inlet.open()
        try:
            yield inlet
        finally:
            await inlet.close()

    @asynccontextmanager
    async def outlet(self) -> AsyncIterator[Outlet]:
        """A new outlet, open."""
        outlet = self.connector.outlet(Address.parse(self.to))
        await outlet.open()
        try:
            yield outlet
        finally:
            await outlet.close()


def _outputs(start: int, end: int) -> list[Output]:
    return [Output(key=f"key-{i}", value={"key": f"key-{i}", "number": i}) for i in range(start, end)]


async def _received(inlet: Inlet, n: int, timeout_s: float) -> Sequence[Delivery]:
    try:
        return await inlet.receive(n, timeout_s)
    except EndOfStream:
        return []


async def _receive(inlet: Inlet, n: int) -> list[Delivery]:
    """Exactly n, or those that came in the time that there is."""
    came: list[Delivery] = []
    end = time.monotonic() + _PATIENCE_S
    while len(came) < n and time.monotonic() < end:
        came += await inlet.receive(n - len(came), 0.5)
    return came


async def _listen(inlet: Inlet) -> list[Delivery]:
    """What comes in a short time."""
    return list(await _received(inlet, _N, _SILENCE_S))


def _numbers(came: Sequence[Delivery]) -> list[int]:
    """The numbers in the records; -1 of what is none."""
    found = []
    for one in came:
        record = one.record
        value = None if record is None else value_of(record.content, "application/json")
        if isinstance(value, str):
            value = json.loads(value)
        found.append(value["number"] if isinstance(value, dict) else -1)
    return found


def _keys(came: Sequence[Delivery]) -> list[str]:
    return ["" if one.record is None else one.record.key for one in came]
