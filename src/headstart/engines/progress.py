"""Tell a person how far a long step is, and how long it still takes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

_LINE_INTERVAL_S = 10.0


class Stopped(Exception):  # noqa: N818  (no error: whoever closed the sink asked for it)
    """A step was stopped from outside."""


class Progress:
    """Progress of one step, as a context: a bar on a terminal, elsewhere a line each ten seconds, on `stream`.

    Parameters
    ----------
    label : what is being done, with its unit: 'embedding photos'
    total : how many there are
    stream : where to write, as a rule `sys.stderr`; None for silence; one that is closed stops the step at its next advance
    done : how many of them were done before; they do not count in the time to go

    >>> import sys
    >>> with Progress("embedding photos", 20, sys.stdout, done=5) as progress:
    ...     progress.advance(15)
    embedding photos: 5 of 20 from the cache
    """

    def __init__(self, label: str, total: int, stream: TextIO | None, *, done: int = 0) -> None:
        self.label, self.total, self.done = label, total, done
        self._stream = stream
        self._began_with = done
        self._started = self._spoke = time.monotonic()
        self._lock = threading.Lock()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._stream is not None and self._began_with:
            print(f"{self.label}: {self._began_with:,} of {self.total:,} from the cache", file=self._stream, flush=True)
        if self._stream is not None and self.done < self.total and self._stream.isatty():
            self._bar = _bar(self._stream)
            self._bar.start()
            self._bar.add_task(self.label, total=self.total - self._began_with)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, n: int = 1) -> None:
        """Count `n` more as done; any thread may call it.

        Raises
        ------
        Stopped
            The sink was closed.
        """
        if self._stream is not None and self._stream.closed:
            raise Stopped(self.label)
        with self._lock:
            self.done += n
            if self._bar is not None:
                self._bar.advance(self._bar.task_ids[0], n)
            elif self._stream is not None and time.monotonic() - self._spoke >= _LINE_INTERVAL_S:
                self._spoke = time.monotonic()
                print(self._line(), file=self._stream, flush=True)

    def seconds_left(self) -> float:
        """Guess the time to go from the pace so far; infinite before the first advance."""
        n_new = self.done - self._began_with
        elapsed_s = time.monotonic() - self._started
        return elapsed_s / n_new * (self.total - self.done) if n_new else float("inf")

    def _line(self) -> str:
        return f"{self.label}: {self.done:,} of {self.total:,}, {duration(self.seconds_left())} to go"


def duration(seconds: float) -> str:
    """Say a time for people.

    >>> duration(95)
    '1 min 35 s'
    """
    if seconds == float("inf"):
        return "some time"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _bar(stream: TextIO) -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=Console(file=stream),
        transient=True,
    )
