"""What a thread reads, handed to a task: places that can only be waited for by a thread, with a bound on what waits."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from headstart.streaming.connector import EndOfStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Pump(Generic[T]):
    """Runs an iterator on a thread of its own, and stops it where nobody takes what it gives.

    Parameters
    ----------
    make : gives the iterator; called on the thread
    max_waiting : how many may wait to be taken
    """

    def __init__(self, make: Callable[[], Iterator[T]], *, max_waiting: int = 1024) -> None:
        self._make = make
        self._max_waiting = max_waiting
        self._items: deque[T] = deque()
        self._room = threading.Condition()
        self._has_more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._is_over = False
        self._error: Exception | None = None
        self._is_awaited = False
        threading.Thread(target=self._run, name="headstart-pump", daemon=True).start()

    async def get(self, n: int, timeout_s: float) -> list[T]:
        """Take at most `n`, as soon as there is one; none where the time is over.

        Raises
        ------
        EndOfStream
            The iterator has ended, and everything was taken.
        Exception
            What the iterator raised.
        """
        found = self._take(n)
        if found or timeout_s <= 0:
            return found
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_more.wait(), timeout_s)
        return self._take(n)

    def close(self) -> None:
        """Let the thread end when it next has something to give."""
        with self._room:
            self._is_closed = True
            self._room.notify()

    def _take(self, n: int) -> list[T]:
        with self._room:
            found = [self._items.popleft() for _ in range(min(n, len(self._items)))]
            self._is_awaited = not self._items
            if self._is_awaited and not self._is_over:
                self._has_more.clear()
            if found:
                self._room.notify()
                return found
            if self._is_over:
                raise self._error or EndOfStream
        return found

    def _run(self) -> None:
        try:
            for item in self._make():
                with self._room:
                    self._room.wait_for(lambda: self._is_closed or len(self._items) < self._max_waiting)
                    if self._is_closed:
                        return
                    self._items.append(item)
                    is_awaited, self._is_awaited = self._is_awaited, False
                if is_awaited:
                    self._wake()
        except Exception as error:  # noqa: BLE001  it is raised where the items are taken
            self._error = error
        finally:
            with self._room:
                self._is_over = True
            self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            self._loop.call_soon_threadsafe(self._has_more.set)
