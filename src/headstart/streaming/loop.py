"""The loop: receive, answer, write, acknowledge, each while the others work.

Three tasks hand batches on, one after the other, so that order is kept; the places between them hold one batch each, so that reading stops
where writing is slow. Only the first task speaks to the inlet, only the last to the outlets. A record is acknowledged after its output is
durable. If the inlet is lost, what is in flight is written before it is opened again; what then comes a second time is known
and only acknowledged.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.core.errors import ServiceError, StorageError, UserError
from headstart.streaming.connector import EndOfStream
from headstart.streaming.patience import Patience
from headstart.streaming.reading import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.streaming.answering import Answerer, Answers
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.meters import Figures, Meter
    from headstart.streaming.record import Delivery, Output, Record

    Observer = Callable[[Sequence[Record], Sequence[Any], FloatArray], None]

_IDLE_S = 0.2
_SHORT_S = 0.005
_N_BATCHES = 4  # one that fills, one that waits, one that is answered, one that is written
_MAX_BYTES = 64 << 20  # of records in flight
_BATCH_BYTES = _MAX_BYTES // _N_BATCHES


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where records come from and outputs go, with what each is called."""

    inlet: Inlet
    outlet: Outlet
    dead: Outlet | None = None
    names: tuple[str, str, str] = ("the input", "the output", "the dead letters")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Sizes and times: records of a batch, how long its first one waits, how long a place may be away."""

    batch: int = 64
    latency_s: float = 0.02
    give_up_s: float = 60.0


@dataclass
class _Batch:
    """Deliveries that go through together, when each came, and what came of them."""

    deliveries: list[Delivery] = field(default_factory=list)
    received_s: list[float] = field(default_factory=list)
    n_bytes: int = 0
    answers: Answers | None = None


class Loop:
    """Runs one stream.

    Parameters
    ----------
    answer : called on a thread with the deliveries of a batch
    figures, meters : hear of every batch that is written
    observers : called on a thread after each batch was written, with its records, its items (or why one could not be read) and the
        outputs of the model, shape (n, k), NaN where there are none
    tell : is told of what the user may want to know, with a word for machines
    """

    def __init__(
        self,
        places: Places,
        answer: Answerer,
        *,
        pace: Pace,
        figures: Figures,
        meters: Sequence[Meter] = (),
        observers: Sequence[Observer] = (),
        tell: Callable[[str, str], None] = lambda kind, message: None,  # noqa: ARG005
    ) -> None:
        self._places = places
        self._answer = answer
        self._pace = pace
        self._figures = figures
        self._meters = [figures, *meters]
        self._observers = observers
        self._tell = tell
        self.stop = asyncio.Event()
        self._filling = _Batch()
        self._waiting: asyncio.Queue[_Batch | None] = asyncio.Queue(1)
        self._answered: asyncio.Queue[_Batch | None] = asyncio.Queue(1)
        self._written: list[Delivery] = []
        self._has_written = asyncio.Event()
        self._unacknowledged: set[str] = set()  # written, and not acknowledged because the inlet was lost
        self._n_in_flight = self._n_bytes = 0

    async def run(self) -> None:
        """Go on until the inlet ends or `stop` is set, then finish what is in flight.

        Raises
        ------
        ServiceError
            A place was away too long.
        UserError
            A place refuses what it is asked.
        """
        # a thread for the model, and one for those who look on
        with ThreadPoolExecutor(1, thread_name_prefix="headstart-answer") as pool:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._write())
                    tasks.create_task(self._answer_all(pool))
                    tasks.create_task(self._read())
            except BaseExceptionGroup as group:
                raise _first(group) from group
            finally:
                await self._places.inlet.close()
                for outlet in filter(None, (self._places.outlet, self._places.dead)):
                    await outlet.close()

    # read

    async def _read(self) -> None:
        patience = self._patience(0)
        await self._open_inlet(patience)
        while not self.stop.is_set():
            try:
                await self._acknowledge()
                if not await self._receive(patience):
                    break
            except ServiceError as error:
                await self._reopen(error, patience)
            await self._flush_if_due()
        await self._drain()
        await self._waiting.put(None)
        try:
            await self._acknowledge()
        except ServiceError as error:  # they come again; an idempotent outlet drops them then
            self._tell("unacknowledged", f"{error} What was written last will come again")

    async def _receive(self, patience: Patience) -> bool:
        """Take what there is room for; tell whether more may come."""
        room = self._room()
        if room == 0:
            await self._has_written.wait()
            return True
        try:
            came = await self._places.inlet.receive(room, self._patience_to_receive())
        except EndOfStream:
            return False
        patience.succeeded()
        now = time.monotonic()
        for delivery in came:
            if self._unacknowledged and identity(delivery) in self._unacknowledged:
                self._unacknowledged.discard(identity(delivery))
                self._figures.n_repeated += 1
                self._written.append(delivery)
                continue
            n_bytes = _n_bytes(delivery)
            self._filling.deliveries.append(delivery)
            self._filling.received_s.append(now)
            self._filling.n_bytes += n_bytes
            self._n_in_flight += 1
            self._n_bytes += n_bytes
        return True

    def _room(self) -> int:
        """How many may be received: up to a batch, and no more than the memory for them."""
        if self._n_bytes >= _MAX_BYTES or self._n_in_flight >= _N_BATCHES * self._pace.batch:
            return 0
        room = self._pace.batch - len(self._filling.deliveries)
        each = max(1, self._n_bytes // max(1, self._n_in_flight))
        return max(1, min(room, (_MAX_BYTES - self._n_bytes) // each))

    def _patience_to_receive(self) -> float:
        if self._filling.deliveries:
            return max(0.0, self._filling.received_s[0] + self._pace.latency_s - time.monotonic())
        return max(_SHORT_S, self._pace.latency_s) if self._n_in_flight else _IDLE_S

    async def _flush_if_due(self) -> None:
        batch = self._filling
        if not batch.deliveries:
            return
        is_full = len(batch.deliveries) >= self._pace.batch or batch.n_bytes >= _BATCH_BYTES
        if is_full or time.monotonic() >= batch.received_s[0] + self._pace.latency_s:
            await self._flush()

    async def _flush(self) -> None:
        if self._filling.deliveries:
            batch, self._filling = self._filling, _Batch()
            await self._waiting.put(batch)

    async def _drain(self) -> None:
        """Wait until everything that was received is written."""
        await self._flush()
        while self._n_in_flight:
            self._has_written.clear()
            await self._has_written.wait()

    async def _acknowledge(self) -> None:
        self._has_written.clear()
        if not self._written:
            return
        done, self._written = self._written, []
        try:
            await self._places.inlet.acknowledge(done)
        except ServiceError:
            self._unacknowledged |= set(map(identity, done))
            raise

    async def _open_inlet(self, patience: Patience) -> None:
        while not self.stop.is_set():
            try:
                await self._places.inlet.open()
            except ServiceError as error:
                await self._wait(0, patience, error)
                await self._places.inlet.close()
            else:
                return

    async def _reopen(self, error: ServiceError, patience: Patience) -> None:
        """Open the inlet again, when everything that it gave is written."""
        await self._drain()
        self._unacknowledged |= set(map(identity, self._written))
        self._written = []
        await self._places.inlet.close()
        if not self.stop.is_set():
            await self._wait(0, patience, error)
            await self._open_inlet(patience)

    # answer

    async def _answer_all(self, pool: ThreadPoolExecutor) -> None:
        here = asyncio.get_running_loop()
        while (batch := await self._waiting.get()) is not None:
            batch.answers = await here.run_in_executor(pool, self._answer, batch.deliveries)
            await self._answered.put(batch)
        await self._answered.put(None)

    # write

    async def _write(self) -> None:
        outlet, dead = self._places.outlet, self._places.dead
        patience = self._patience(1), self._patience(2)
        await self._open_outlet(1, outlet, patience[0])
        if dead is not None:
            await self._open_outlet(2, dead, patience[1])
        while (batch := await self._answered.get()) is not None:
            answers = batch.answers
            assert answers is not None
            pairs = list(zip(answers.outputs, answers.is_dead, strict=True))
            await self._send(1, outlet, [one for one, is_dead in pairs if dead is None or not is_dead], patience[0])
            if dead is not None:
                await self._send(2, dead, [one for one, is_dead in pairs if is_dead], patience[1])
            self._count(batch, answers)
            await self._observe(answers)

    async def _open_outlet(self, place: int, outlet: Outlet, patience: Patience) -> None:
        while True:
            try:
                await outlet.open()
            except ServiceError as error:
                await self._wait(place, patience, error)
                await outlet.close()
            else:
                return

    async def _send(self, place: int, outlet: Outlet, outputs: Sequence[Output], patience: Patience) -> None:
        """Send the same outputs until they are durable."""
        while outputs:
            try:
                await outlet.send(outputs)
            except StorageError as error:
                await self._wait(place, patience, error)
            except ServiceError as error:
                await self._wait(place, patience, error)
                await outlet.close()
                await self._open_outlet(place, outlet, patience)
            else:
                patience.succeeded()
                return

    def _count(self, batch: _Batch, answers: Answers) -> None:
        now = time.monotonic()
        latencies_s = [now - one for one in batch.received_s]
        for meter in self._meters:
            meter.written(n_records=len(latencies_s), n_dead=sum(answers.is_dead), latencies_s=latencies_s)
        self._n_in_flight -= len(batch.deliveries)
        self._n_bytes -= batch.n_bytes
        self._written += batch.deliveries
        self._has_written.set()

    async def _observe(self, answers: Answers) -> None:
        for observer in self._observers:
            try:
                await asyncio.to_thread(observer, answers.records, answers.items, answers.rows)
            except Exception as error:  # noqa: BLE001  who looks on must not stop the stream
                self._tell("observer", f"an observer failed ({type(error).__name__}: {error}); the stream goes on")

    # places that are away

    def _patience(self, place: int) -> Patience:
        name = self._places.names[place]
        return Patience(
            give_up_s=self._pace.give_up_s, stop=self.stop, tell=lambda said: self._tell("reconnect", f"{name}: {said}")
        )

    async def _wait(self, place: int, patience: Patience, error: UserError) -> None:
        for meter in self._meters:
            meter.waited(self._places.names[place])
        await patience.wait(error)


def _n_bytes(delivery: Delivery) -> int:
    content = delivery.record.content if delivery.record is not None else b""
    held = len(content) if isinstance(content, bytes | str) else 64 * len(content) if hasattr(content, "__len__") else 8
    return max(len(delivery.raw), held)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that is to be said: the user's, where there is one."""
    errors = list(group.exceptions)
    inner = [_first(one) if isinstance(one, BaseExceptionGroup) else one for one in errors]
    return next((one for one in inner if isinstance(one, UserError)), inner[0])
