"""How far a long step is, and how long it still takes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from headstart.engines.events import ProgressMade, StepEnded, StepStarted

if TYPE_CHECKING:
    from types import TracebackType

    from headstart.engines.events import Reporter


class Progress:
    """Progress of one step, as a context.

    Parameters
    ----------
    label : what is being done, with its unit: 'embedding photos'
    total : how many there are
    reporter : hears of it; once its token is cancelled the step stops at its next advance
    done : how many of them were done before; they do not count in the time to go

    >>> import sys
    >>> from headstart.engines.reporters import TextReporter
    >>> with Progress("embedding photos", 20, TextReporter(sys.stdout), done=5) as progress:
    ...     progress.advance(15)
    embedding photos: 5 of 20 from the cache
    """

    def __init__(self, label: str, total: int, reporter: Reporter, *, done: int = 0) -> None:
        self.label, self.total, self.done = label, total, done
        self._reporter = reporter
        self._began_with = done
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._reporter.cancel_token.raise_if_cancelled(self.label)
        self._reporter.receive(StepStarted(label=self.label, done=self.done, total=self.total))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reporter.receive(StepEnded(label=self.label, done=self.done, total=self.total))

    def advance(self, n: int = 1) -> None:
        """Count `n` more as done; any thread may call it.

        Raises
        ------
        Stopped
            The run was cancelled.
        """
        with self._lock:  # the events of one step come in order
            self.done += n
            left_s = self.seconds_left()
            self._reporter.receive(
                ProgressMade(label=self.label, done=self.done, total=self.total, n_new=n, seconds_left=left_s)
            )
        self._reporter.cancel_token.raise_if_cancelled(self.label)

    def seconds_left(self) -> float | None:
        """Guess the time to go from the pace so far; None before the first advance."""
        n_new = self.done - self._began_with
        elapsed_s = time.monotonic() - self._started
        return elapsed_s / n_new * (self.total - self.done) if n_new else None


def duration(seconds: float | None) -> str:
    """Say a time for people.

    >>> duration(95), duration(None)
    ('1 min 35 s', 'some time')
    """
    if seconds is None:
        return "some time"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
