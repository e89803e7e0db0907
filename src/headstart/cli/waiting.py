"""Wait for the end: what a command does that shows a page."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def until_the_end() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set."""
    end = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield end
        return

    def set_end(*_: object) -> None:
        threading.Thread(target=end.set).start()  # this thread may hold the event's own lock

    before = {one: signal.signal(one, set_end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield end
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
