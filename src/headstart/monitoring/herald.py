"""Herald: tells of the incidents of a live watch on a thread of its own, so that a web hook that is away holds nothing up."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from headstart.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.monitoring.live_watch import LiveWatch
    from headstart.monitoring.telling import Teller, Told

_AGAIN_S = 30.0  # after a message that did not arrive
_LAST_S = 35.0  # that the last message may take


class Herald:
    """Looks for news of one watch, on the thread of that watch.

    Parameters
    ----------
    complain : is told of a message that did not arrive; it is sent again, with the same id
    """

    def __init__(self, live: LiveWatch, teller: Teller, complain: Callable[[str], None]) -> None:
        self._live, self._teller, self._complain = live, teller, complain
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="headstart-herald")
        self._sending: Future[None] | None = None
        self._told: list[Told] = []
        self._again_s = 0.0

    def look(self) -> None:
        """Note what was told, and tell what is new."""
        if self._sending is not None:
            if not self._sending.done():
                return
            self._finish(self._sending)
        if time.monotonic() >= self._again_s and (verdict := self._live.news()) is not None:
            self._sending = self._pool.submit(self._teller.tell, verdict, self._live.name, keep=self._told.append)

    def close(self) -> None:
        """Tell what is new for the last time, also where a message did not arrive before."""
        self._await()
        self._again_s = 0.0
        self.look()
        self._await()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _await(self) -> None:
        if self._sending is not None and wait([self._sending], _LAST_S).done:
            self._finish(self._sending)

    def _finish(self, sending: Future[None]) -> None:
        self._sending = None
        told, self._told = self._told, []
        for one in told:
            self._live.note_told(one)
        error = sending.exception()
        if isinstance(error, UserError):
            self._again_s = time.monotonic() + _AGAIN_S
            self._complain(str(error))
        elif error is not None:
            raise error
