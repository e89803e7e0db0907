"""The loop: receive, answer, write, acknowledge, each while the others work.

Four tasks hand batches on, one after the other, so that order is kept; the places between them hold one batch each, so that reading stops
where writing is slow. Only the first task speaks to the inlet, only the third to the outlets, only the last to the recorders. A record is
acknowledged after its output is durable and it is recorded. If the inlet is lost, what is in flight is written before it is opened again;
what then comes a second time is known and only acknowledged.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from headstart.core.errors import ServiceError, StorageError, UserError
from headstart.streaming.in_flight import N_BATCHES, Batch, InFlight, Pace
from headstart.streaming.intake import Intake
from headstart.streaming.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.streaming.answers import AnsweringModel, Answers
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.meters import Figures, Meter
    from headstart.streaming.record import Delivery, Output, Record

    Observer = Callable[[Sequence[Record], Sequence[Any], FloatArray], None]
    Answer = Callable[[Sequence[Delivery]], Answers]


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where records come from and outputs go, with what each is called."""

    inlet: Inlet
    outlet: Outlet
    dead: Outlet | None = None
    names: tuple[str, str, str] = ("the input", "the output", "the dead letters")


class Recorder(Protocol):
    """Records answers durably; a batch that comes again, after a crash, it knows by its keys.

    Attributes
    ----------
    name : what the place that it writes to is called
    """

    name: str

    def expect(self, model: AnsweringModel) -> None:
        """Another model will answer soon; called on a thread of its own, while batches are recorded. A `UserError` keeps it from answering."""
        ...

    def record(self, answers: Answers) -> None:
        """Record a batch; a `ServiceError` or `StorageError` means: again."""
        ...

    def end(self, *, is_complete: bool) -> None:
        """Nothing more comes in this run; `is_complete`: the input has ended, and was not only stopped."""
        ...

    def close(self) -> None:
        """Give up what is open; may be called twice."""
        ...


@runtime_checkable
class AnswersObserver(Protocol):
    """An observer that is told of the answers as a whole."""

    def answered(self, answers: Answers) -> None:
        """Look at a batch that was written."""
        ...


class Loop:
    """Runs one stream.

    Parameters
    ----------
    answer : called on a thread with the deliveries of a batch
    figures, meters : hear of every batch that is written
    observers : called on a thread after each batch was written, with its records, its items (or why one could not be read) and the
        outputs of the model, shape (n, k), NaN where there are none
    recorders : each records every batch on a thread after it was written and before it is acknowledged
    tell : is told of what the user may want to know, with a word for machines
    """

    def __init__(
        self,
        places: Places,
        answer: Answer,
        *,
        pace: Pace,
        figures: Figures,
        meters: Sequence[Meter] = (),
        observers: Sequence[Observer | AnswersObserver] = (),
        recorders: Sequence[Recorder] = (),
        tell: Callable[[str, str], None] = lambda kind, message: None,  # noqa: ARG005
    ) -> None:
        self._places = places
        self._answer = answer
        self._pace = pace
        self._figures = figures
        self._meters = [figures, *meters]
        self._observers = observers
        self._recorders = recorders
        self._tell = tell
        self.stop = asyncio.Event()
        self._waiting: asyncio.Queue[Batch | None] = asyncio.Queue(1)
        self._answered: asyncio.Queue[Batch | None] = asyncio.Queue(1)
        self._written: asyncio.Queue[tuple[Batch, Answers] | None] = asyncio.Queue(1)
        self._in_flight = InFlight(N_BATCHES * pace.batch)
        self._n_left_out = 0

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
                    tasks.create_task(self._record_all())
                    tasks.create_task(self._write())
                    tasks.create_task(self._answer_all(pool))
                    tasks.create_task(self._read())
                for recorder in self._recorders:
                    end = partial(recorder.end, is_complete=not self.stop.is_set())
                    await self._recorded(end, self._patience(recorder.name))
            except BaseExceptionGroup as group:
                raise _first(group) from group
            finally:
                for recorder in self._recorders:
                    recorder.close()
                await self._close()

    async def _close(self) -> None:
        places: list[Inlet | Outlet | None] = [self._places.inlet, self._places.outlet, self._places.dead]
        for place in places:
            if place is not None:
                with suppress(ServiceError, StorageError):  # what has gone wrong before is what is to be said
                    await place.close()

    async def _read(self) -> None:
        await Intake(
            self._places.inlet,
            self._waiting,
            self._in_flight,
            pace=self._pace,
            patience=self._patience(self._places.names[0]),
            stop=self.stop,
            figures=self._figures,
            tell=self._tell,
        ).run()

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
        patience = [self._patience(name) for name in self._places.names[1:]]
        await self._open_outlet(outlet, patience[0])
        if dead is not None:
            await self._open_outlet(dead, patience[1])
        while (batch := await self._answered.get()) is not None:
            answers = batch.answers
            assert answers is not None
            pairs = list(zip(answers.outputs, answers.is_dead, strict=True))
            await self._send(outlet, [one for one, is_dead in pairs if dead is None or not is_dead], patience[0])
            if dead is not None:
                await self._send(dead, [one for one, is_dead in pairs if is_dead], patience[1])
            self._count_left_out()
            written_s = time.monotonic()
            answers = replace(answers, latencies_s=[written_s - one for one in batch.received_s])
            await self._written.put((batch, answers))
        await self._written.put(None)

    async def _open_outlet(self, outlet: Outlet, patience: Patience) -> None:
        while True:
            try:
                await outlet.open()
            except ServiceError as error:
                await patience.wait(error)
                await outlet.close()
            else:
                return

    async def _send(self, outlet: Outlet, outputs: Sequence[Output], patience: Patience) -> None:
        """Send the same outputs until they are durable."""
        while outputs:
            try:
                await outlet.send(outputs)
            except StorageError as error:
                await patience.wait(error)
            except ServiceError as error:
                await patience.wait(error)
                await outlet.close()
                await self._open_outlet(outlet, patience)
            else:
                patience.succeeded()
                return

    # record

    async def _record_all(self) -> None:
        recorders = [(recorder, self._patience(recorder.name)) for recorder in self._recorders]
        while (written := await self._written.get()) is not None:
            batch, answers = written
            async with asyncio.TaskGroup() as tasks:  # each waits for its own disk
                for recorder, patience in recorders:
                    tasks.create_task(self._recorded(partial(recorder.record, answers), patience))
            self._count(batch, answers)
            await self._observe(answers)

    async def _recorded(self, record: Callable[[], None], patience: Patience) -> None:
        """Record the same until it is durable."""
        while True:
            try:
                await asyncio.to_thread(record)
            except (ServiceError, StorageError) as error:
                await patience.wait(error)
            else:
                patience.succeeded()
                return

    def _count(self, batch: Batch, answers: Answers) -> None:
        n_records, n_dead = len(answers.is_dead), sum(answers.is_dead)
        for meter in self._meters:
            meter.written(n_records=n_records, n_dead=n_dead, latencies_s=answers.latencies_s)
        self._in_flight.finish(batch)

    def _count_left_out(self) -> None:
        """Count outputs that places left out, as they hold their keys already; say it once."""
        places = (self._places.outlet, self._places.dead)
        n = sum(getattr(place, "n_left_out", 0) for place in places)
        if n == self._n_left_out:
            return
        if not self._n_left_out:
            self._tell(
                "duplicates",
                "records came whose key was answered before: one answer a key is written, and the others are counted. "
                "Where they are other records, choose another --key",
            )
        for meter in self._meters:
            meter.left_out(n - self._n_left_out)
        self._n_left_out = n

    async def _observe(self, answers: Answers) -> None:
        for observer in self._observers:
            try:
                if isinstance(observer, AnswersObserver):
                    await asyncio.to_thread(observer.answered, answers)
                else:
                    await asyncio.to_thread(observer, answers.records, answers.items, answers.rows)
            except Exception as error:  # noqa: BLE001  who looks on must not stop the stream
                self._tell("observer", f"an observer failed ({type(error).__name__}: {error}); the stream goes on")

    # places that are away

    def _patience(self, name: str) -> Patience:
        def tell(said: str) -> None:
            self._tell("reconnect", f"{name}: {said}")

        def waited() -> None:
            for meter in self._meters:
                meter.waited(name)

        return Patience(give_up_s=self._pace.give_up_s, stop=self.stop, tell=tell, waited=waited)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that is to be said: the user's, where there is one."""
    errors = list(group.exceptions)
    inner = [_first(one) if isinstance(one, BaseExceptionGroup) else one for one in errors]
    return next((one for one in inner if isinstance(one, UserError)), inner[0])
