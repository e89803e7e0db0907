"""Executors: where the independent parts of a step run, and how many at once."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from headstart.engines.threads import core, n_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from types import TracebackType

    from headstart.engines.cancelling import CancelToken

Task = TypeVar("Task")
Result = TypeVar("Result")

_LOOK_AHEAD = 2  # tasks begun or waiting for each worker: what was computed and not yet taken needs memory


class TaskQueue(Protocol):
    """Work beside the caller's, as a context: at its end what has not begun is dropped and what has begun is waited for."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Call the function after those submitted before."""
        ...


class Executor(Protocol):
    """Decides where work runs."""

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, cancel_token: CancelToken
    ) -> Generator[Result]:
        """Call the function on each task and give the results in the order of the tasks.

        Only a few tasks are begun ahead of the result that is taken. An error of a task is raised in its place; it, a cancelled
        token or a closed generator ends the work once the tasks that have begun are over.

        Raises
        ------
        Stopped
            The token was cancelled before all tasks had begun.
        """
        ...

    def queue(self) -> TaskQueue:
        """Make a queue whose tasks run one after the other, beside the caller where that is possible."""
        ...


class ThreadExecutor:
    """Threads of this process, each a core while it works.

    >>> from headstart.engines.cancelling import CancelToken
    >>> list(ThreadExecutor().map(abs, [-3, 2, -1], cancel_token=CancelToken()))
    [3, 2, 1]
    """

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, cancel_token: CancelToken
    ) -> Generator[Result]:
        """As `Executor.map`, in as many threads as may work (`engines.threads.n_threads`)."""
        if not tasks:
            return

        def run(task: Task) -> Result:
            with core():
                cancel_token.raise_if_cancelled()
                return function(task)

        n_workers = min(n_threads(), len(tasks))
        pool = ThreadPoolExecutor(n_workers, thread_name_prefix="headstart")
        try:
            n_ahead = _LOOK_AHEAD * n_workers
            waiting = deque(pool.submit(run, task) for task in tasks[:n_ahead])
            for n_taken in range(len(tasks)):
                yield waiting.popleft().result()
                waiting.extend(pool.submit(run, task) for task in tasks[n_taken + n_ahead : n_taken + n_ahead + 1])
        finally:
            pool.shutdown(cancel_futures=True)

    def queue(self) -> TaskQueue:
        """One thread, beside the caller's."""
        return _ThreadQueue()


class SerialExecutor:
    """The caller's own thread: one task after the other.

    >>> from headstart.engines.cancelling import CancelToken
    >>> list(SerialExecutor().map(abs, [-3, 2, -1], cancel_token=CancelToken()))
    [3, 2, 1]
    """

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, cancel_token: CancelToken
    ) -> Generator[Result]:
        """As `Executor.map`; a task begins when its result is asked for."""
        for task in tasks:
            cancel_token.raise_if_cancelled()
            yield function(task)

    def queue(self) -> TaskQueue:
        """Tasks are over when `submit` returns."""
        return _SerialQueue()


class _ThreadQueue:
    """One thread that begins with the first task."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="headstart-queue")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        def run() -> Result:
            with core():
                return function(*arguments)

        return self._pool.submit(run)


class _SerialQueue:
    """No thread of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to wait for."""

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001  (it is raised where the result is asked for, as a thread's would be)
            future.set_exception(error)
        return future
