"""Intake: the task that alone speaks to the inlet: it receives, fills batches, acknowledges, and opens the inlet again where it is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headstart.core.errors import ServiceError
from headstart.streaming.connector import EndOfStream
from headstart.streaming.in_flight import BATCH_BYTES, Batch, InFlight, Pace
from headstart.streaming.reading import identity

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from headstart.streaming.connector import Inlet
    from headstart.streaming.meters import Figures
    from headstart.streaming.patience import Patience

_IDLE_S = 0.2
_SHORT_S = 0.005


class Intake:
    """Fills batches from an inlet until it ends or `stop` is set, then waits until all of them are written.

    Parameters
    ----------
    batches : where they go; None after the last
    tell : is told what the user may want to know
    """

    def __init__(
        self,
        inlet: Inlet,
        batches: asyncio.Queue[Batch | None],
        in_flight: InFlight,
        *,
        pace: Pace,
        patience: Patience,
        stop: asyncio.Event,
        figures: Figures,
        tell: Callable[[str, str], None],
    ) -> None:
        self._inlet = inlet
        self._batches = batches
        self._in_flight = in_flight
        self._pace = pace
        self._patience = patience
        self._stop = stop
        self._figures = figures
        self._tell = tell
        self._filling = Batch()
        self._unacknowledged: set[str] = set()  # written, and not acknowledged because the inlet was lost

    async def run(self) -> None:
        """Go on to the end.

        Raises
        ------
        ServiceError
            The inlet was away too long.
        """
        await self._open()
        while not self._stop.is_set():
            try:
                await self._acknowledge()
                if not await self._receive():
                    break
            except ServiceError as error:
                await self._reopen(error)
            await self._flush_if_due()
        await self._drain()
        await self._batches.put(None)
        try:
            await self._acknowledge()
        except ServiceError as error:  # they come again; an idempotent outlet drops them then
            self._tell("unacknowledged", f"{error} What was written last will come again")

    async def _receive(self) -> bool:
        """Take what there is room for; tell whether more may come."""
        room = self._in_flight.room(self._pace.batch - len(self._filling.deliveries), self._filling)
        if room == 0:
            await self._in_flight.has_written.wait()
            return True
        try:
            came = await self._inlet.receive(room, self._timeout_s())
        except EndOfStream:
            return False
        self._patience.succeeded()
        now = time.monotonic()
        for delivery in came:
            if self._unacknowledged and identity(delivery) in self._unacknowledged:
                self._unacknowledged.discard(identity(delivery))
                self._figures.n_repeated += 1
                self._in_flight.written.append(delivery)
            else:
                self._in_flight.came(self._filling.add(delivery, now))
        return True

    def _timeout_s(self) -> float:
        if self._filling.deliveries:
            return max(0.0, self._filling.received_s[0] + self._pace.latency_s - time.monotonic())
        return max(_SHORT_S, self._pace.latency_s) if self._in_flight.n_records else _IDLE_S

    async def _flush_if_due(self) -> None:
        batch = self._filling
        if not batch.deliveries:
            return
        is_full = len(batch.deliveries) >= self._pace.batch or batch.n_bytes >= BATCH_BYTES
        if is_full or time.monotonic() >= batch.received_s[0] + self._pace.latency_s:
            await self._flush()

    async def _flush(self) -> None:
        if self._filling.deliveries:
            batch, self._filling = self._filling, Batch()
            await self._batches.put(batch)

    async def _drain(self) -> None:
        """Wait until everything that was received is written."""
        await self._flush()
        while self._in_flight.n_records:
            self._in_flight.has_written.clear()
            await self._in_flight.has_written.wait()

    async def _acknowledge(self) -> None:
        done = self._in_flight.take_written()
        if not done:
            return
        try:
            await self._inlet.acknowledge(done)
        except ServiceError:
            self._unacknowledged |= set(map(identity, done))
            raise

    async def _open(self) -> None:
        while not self._stop.is_set():
            try:
                await self._inlet.open()
            except ServiceError as error:
                await self._patience.wait(error)
                await self._inlet.close()
            else:
                return

    async def _reopen(self, error: ServiceError) -> None:
        """Open the inlet again, when everything that it gave is written."""
        await self._drain()
        self._unacknowledged |= set(map(identity, self._in_flight.take_written()))
        await self._inlet.close()
        if not self._stop.is_set():
            await self._patience.wait(error)
            await self._open()
