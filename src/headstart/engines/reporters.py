"""Reporters: the events of a run as text for people, as JSON lines for programs, or not at all."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from headstart.engines.cancelling import CancelToken
from headstart.engines.events import NoticeGiven, ProgressMade, Reporter, StepEnded, StepStarted
from headstart.engines.progress import duration

if TYPE_CHECKING:
    from headstart.engines.events import Event

_LINE_INTERVAL_S = 10.0
_JSON_INTERVAL_S = 1.0

ProgressOutput = TextIO | Reporter | None
"""Where a verb says how far it is: text on a stream, as a rule `sys.stderr`; to a reporter; or nowhere."""


class SilentReporter:
    """Says nothing, and can still be told to stop."""

    def __init__(self, *, cancel_token: CancelToken | None = None) -> None:
        self.cancel_token = cancel_token or CancelToken()

    def receive(self, event: Event) -> None:
        """Drop the event."""


class RelayReporter:
    """Hands what it hears to another reporter, and has a token of its own."""

    def __init__(self, reporter: Reporter, *, cancel_token: CancelToken) -> None:
        self.cancel_token = cancel_token
        self._reporter = reporter

    def receive(self, event: Event) -> None:
        """Hand the event on."""
        self._reporter.receive(event)


class _StreamReporter:
    """Writes to a stream, one event at a time whichever thread it comes from; a stream that somebody has closed cancels the run."""

    def __init__(self, stream: TextIO, *, cancel_token: CancelToken | None = None) -> None:
        self.cancel_token = cancel_token or CancelToken()
        self._stream = stream
        self._lock = threading.Lock()
        self._spoke: dict[str, float] = {}  # by the label of a step

    def receive(self, event: Event) -> None:
        """Write what this reader shows of an event."""
        if self._stream.closed:
            self.cancel_token.cancel()
            return
        with self._lock:
            self._write(event)

    def _write(self, event: Event) -> None:
        raise NotImplementedError


class TextReporter(_StreamReporter):
    """Progress and notices for people: a bar a step on a terminal, elsewhere a line each ten seconds."""

    def __init__(self, stream: TextIO, *, cancel_token: CancelToken | None = None) -> None:
        super().__init__(stream, cancel_token=cancel_token)
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def _write(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._start(event)
        elif isinstance(event, ProgressMade):
            self._advance(event)
        elif isinstance(event, StepEnded):
            self._end(event)
        elif isinstance(event, NoticeGiven):
            self._print(event.notice.message)

    def _start(self, event: StepStarted) -> None:
        self._spoke[event.label] = time.monotonic()
        if event.done:
            self._print(f"{event.label}: {event.done:,} of {event.total:,} from the cache")
        if event.done < event.total and self._stream.isatty():
            if self._bars is None:
                self._bars = _bars(self._stream)
                self._bars.start()
            self._tasks[event.label] = self._bars.add_task(event.label, total=event.total - event.done)

    def _advance(self, event: ProgressMade) -> None:
        if event.label in self._tasks:
            self._bars.advance(self._tasks[event.label], event.n_new)
        elif time.monotonic() - self._spoke.get(event.label, 0.0) >= _LINE_INTERVAL_S:
            self._spoke[event.label] = time.monotonic()
            to_go = duration(event.seconds_left)
            self._print(f"{event.label}: {event.done:,} of {event.total:,}, {to_go} to go")

    def _end(self, event: StepEnded) -> None:
        self._spoke.pop(event.label, None)
        if event.label in self._tasks:
            self._bars.remove_task(self._tasks.pop(event.label))
        if self._bars is not None and not self._tasks:
            self._bars.stop()
            self._bars = None

    def _print(self, line: str) -> None:
        if self._bars is not None:  # above the bars, which are drawn anew
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=self._stream, flush=True)


class JsonLinesReporter(_StreamReporter):
    """Every event as one line of JSON; of a step's progress one a second, and the last.

    >>> import sys
    >>> from headstart.engines.events import StageStarted
    >>> JsonLinesReporter(sys.stdout).receive(StageStarted(stage="load"))
    {"event": "stage-started", "stage": "load"}
    """

    def _write(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._spoke.pop(event.label, None)
        if not isinstance(event, ProgressMade) or self._is_due(event):
            self._stream.write(json.dumps(event.to_dict(), ensure_ascii=False) + "\n")
            self._stream.flush()

    def _is_due(self, event: ProgressMade) -> bool:
        now = time.monotonic()
        if event.done < event.total and now - self._spoke.get(event.label, float("-inf")) < _JSON_INTERVAL_S:
            return False
        self._spoke[event.label] = now
        return True


def reporter_for(progress: ProgressOutput) -> Reporter:
    """Take a reporter as it is; a stream gets text, None nothing."""
    if progress is None:
        return SilentReporter()
    return progress if isinstance(progress, Reporter) else TextReporter(progress)


def _bars(stream: TextIO) -> Any:
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
