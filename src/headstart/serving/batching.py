"""Micro-batching: what waits together is run together, and nothing ever waits to be joined.

Each request is prepared (decoded, tokenized) on a thread of its model's pool; large items are prepared in a pool of their own, so
that small ones never wait for them. The thread that has prepared it then runs all that is waiting, unless another is at it,
which will take it along. So an idle model answers at once, a busy one in batches, and there is neither a timer nor a thread in
between. A request that is given up is passed over by whatever has not begun yet.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.serving.arrays import stack, width
from headstart.serving.asgi import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray
    from headstart.core.errors import UserError
    from headstart.core.model import Batch

Rows = list["FloatArray | UserError"]
"""What came out for each item: a row of outputs, or why there is none."""

_INLINE_S = 0.0005  # a request that takes less is run where it was read: handing it over would cost as much
_INLINE_BYTES = 4_096
_PADDED = 1.3  # items share a batch while padding makes it at most so much larger
_SMOOTHING = 0.1
_TIMED = 16  # one request of so many is timed where it was read: the clock of a thread costs as much as reading JSON


@dataclass(eq=False)
class Job:
    """Some items of one request, on their way to one run.

    Attributes
    ----------
    make : prepares the arrays, on a thread of the pool
    is_large : whether that takes long; asked on a thread of the pool too
    n_items : how many items they are
    answered : what the request waits for
    batch : the arrays, once they are prepared
    outcome : the rows of outputs, or why there are none
    """

    make: Callable[[], Batch]
    is_large: Callable[[], bool]
    n_items: int
    answered: asyncio.Future[FloatArray]
    batch: Batch | None = None
    outcome: FloatArray | Exception | None = None

    @property
    def width(self) -> int:
        """How many numbers an item is."""
        return width(self.batch or {})

    def deliver(self) -> None:
        """Hand the outcome to the request; it may have given up waiting."""
        if self.answered.done():
            return
        if isinstance(self.outcome, Exception):
            self.answered.set_exception(self.outcome)
        elif self.outcome is not None:
            self.answered.set_result(self.outcome)


class Batcher:
    """Runs the jobs of one model.

    Parameters
    ----------
    run : outputs (n, k) of a batch; may be called from several threads
    n_threads : threads that prepare; large items have one fewer, but at least one
    n_runs : how many batches may run at the same time
    max_items : the most that are run together
    max_latency_s : how long a batch may be expected to take; it is cut smaller if need be
    max_waiting : items that may wait or run before more are refused
    """

    def __init__(
        self,
        run: Callable[[Batch], FloatArray],
        *,
        n_threads: int,
        n_runs: int = 1,
        max_items: int = 16,
        max_latency_s: float = 0.1,
        max_waiting: int = 512,
        observe: Callable[[int], None] = lambda n: None,  # noqa: ARG005
    ) -> None:
        self._run = run
        self._observe = observe
        self._max_items = max_items
        self._max_latency_s = max_latency_s
        self._max_waiting = max_waiting
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="headstart-serve")
        self._large_pool = ThreadPoolExecutor(max(1, n_threads - 1), thread_name_prefix="headstart-large")
        self._runs = threading.Semaphore(n_runs)
        self._guard = threading.Lock()
        self._waiting: list[Job] = []
        self._job_s = math.inf  # what a request that is alone costs, as measured lately
        self._item_s = 0.0  # what an item costs in a run
        self._n_here = 0
        self.n_inside = 0

    def check_room(self, n_items: int) -> None:
        """Refuse items before any of them is prepared.

        Raises
        ------
        RequestError
            429: too many are waiting.
        """
        if self.n_inside + n_items > self._max_waiting:
            seconds = max(1, math.ceil(self.n_inside * self._item_s))
            raise RequestError(
                429,
                f"{self.n_inside} items are waiting for this model. Ask again in {seconds} s.",
                [(b"retry-after", b"%d" % seconds)],
            )

    async def submit(
        self,
        make: Callable[[], Batch],
        n_items: int,
        n_bytes: int = 0,
        is_large: Callable[[], bool] = lambda: False,
    ) -> FloatArray:
        """Prepare and run some items, shape (n_items, k).

        Raises
        ------
        UserError
            `make` or the graph refuses the items.
        """
        is_small = self._job_s < _INLINE_S and n_bytes <= _INLINE_BYTES
        if is_small and not self._waiting and not is_large() and self._runs.acquire(blocking=False):
            return self._run_here(make)
        loop = asyncio.get_running_loop()
        job = Job(make, is_large, n_items, loop.create_future())
        self._pool.submit(self._work, job, loop)
        self.n_inside += n_items
        try:
            return await job.answered
        finally:
            del job  # an error would hold this frame, the job the error: the body would stay until garbage is collected

    def _run_here(self, make: Callable[[], Batch]) -> FloatArray:
        """Prepare and run without a change of thread, where the place to run has been taken already."""
        self._n_here += 1
        started_s = time.thread_time() if self._n_here % _TIMED == 0 else None
        try:
            outputs = self._run(make())
        finally:
            self._runs.release()
            if self._waiting:  # somebody found the place taken meanwhile
                self._pool.submit(self._run_waiting, asyncio.get_running_loop())
        if started_s is not None:
            self._job_s = _smoothed(self._job_s, time.thread_time() - started_s)
        self._observe(len(outputs))
        return outputs

    def _finish(self, jobs: list[Job]) -> None:
        for job in jobs:
            self.n_inside -= job.n_items
            job.deliver()

    def _work(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare one job, or hand it over if it is large, then run what is waiting."""
        started_s = time.thread_time()  # of this thread: what it costs, not how busy the machine is
        try:
            if job.is_large():
                self._large_pool.submit(self._prepare, job, loop)
                return
        except BaseException as error:  # noqa: BLE001  whatever it is, the request that waits for it must be told
            self._fail(job, error, loop)
            return
        if self._prepare(job, loop) == [job]:
            self._job_s = _smoothed(self._job_s, time.thread_time() - started_s)

    def _prepare(self, job: Job, loop: asyncio.AbstractEventLoop) -> list[Job]:
        """Prepare one job, then run what is waiting, and give what was run."""
        if job.answered.cancelled():
            loop.call_soon_threadsafe(self._finish, [job])
            return []
        try:
            job.batch = job.make()
        except BaseException as error:  # noqa: BLE001  as above: not even one that ends a thread may keep its place
            self._fail(job, error, loop)
            return []
        with self._guard:
            self._waiting.append(job)
        return self._run_waiting(loop)

    def _fail(self, job: Job, error: BaseException, loop: asyncio.AbstractEventLoop) -> None:
        job.outcome = _reported(error)
        loop.call_soon_threadsafe(self._finish, [job])

    def _run_waiting(self, loop: asyncio.AbstractEventLoop) -> list[Job]:
        """Run what is waiting as long as nobody else does, and give what was run."""
        done: list[Job] = []
        # who finds the place taken may leave: the one who has it looks at what is waiting after giving it back
        while self._waiting and self._runs.acquire(blocking=False):
            try:
                group = self._take()
                self._run_together(group)
            finally:
                self._runs.release()
            done += group
            loop.call_soon_threadsafe(self._finish, group)
        return done

    def _take(self) -> list[Job]:
        """The job that has waited longest, and those like it in width as far as a batch goes."""
        with self._guard:
            if len(self._waiting) <= 1:
                group, self._waiting = self._waiting, []
                return group
            most = self._max_items
            if self._item_s:
                most = max(1, min(most, int(self._max_latency_s / self._item_s)))
            oldest = self._waiting[0]
            group = []
            n = n_cells = 0
            for job in sorted(self._waiting, key=lambda job: abs(job.width - oldest.width)):
                n, n_cells = n + job.n_items, n_cells + job.n_items * job.width
                widest = max([job.width, *(other.width for other in group)])
                if group and (n > most or n * widest > _PADDED * n_cells):
                    break
                group.append(job)
            self._waiting = [job for job in self._waiting if job not in group]
            return group

    def _run_together(self, group: list[Job]) -> None:
        jobs = [job for job in group if not job.answered.cancelled() and job.batch is not None]
        if not jobs:
            return
        started = time.perf_counter()
        try:
            outputs = self._run(stack([job.batch for job in jobs if job.batch is not None]))
        except BaseException as error:  # noqa: BLE001  whatever it is, the requests that wait for it must be told
            if len(jobs) == 1:
                jobs[0].outcome = _reported(error)
            else:
                for job in jobs:  # arrays that the graph refuses must not cost the others their answer
                    self._run_together([job])
            return
        n = len(outputs)
        self._item_s = _smoothed(self._item_s or math.inf, (time.perf_counter() - started) / max(n, 1))
        self._observe(n)
        first = 0
        for job in jobs:
            job.outcome = outputs[first : first + job.n_items]
            first += job.n_items


def _reported(error: BaseException) -> Exception:
    """An error that a request can be told: one that is meant to end a thread would end the loop there.

    It forgets where it came from: those frames hold the job, which holds the error, and with it the body until the next collection of garbage.
    """
    told = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
    told.__cause__ = told.__context__ = None
    return told.with_traceback(None)


def _smoothed(before: float, now: float) -> float:
    return now if math.isinf(before) else before + _SMOOTHING * (now - before)
