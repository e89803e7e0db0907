"""The option --progress: who hears how far a command is, and what its last words look like there."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.output import say
from headstart.core.dataset import Notice
from headstart.core.errors import unknown_name
from headstart.engines.events import NoticeGiven
from headstart.engines.reporters import JsonLinesReporter, SilentReporter, TextReporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from headstart.engines.events import Reporter

FORMATS = ("auto", "json", "none")

ProgressFormat = Annotated[
    str,
    typer.Option(
        "--progress",
        help="How far it is, on standard error: auto (a bar or lines), json (an event a line, for programs) or none.",
    ),
]


@dataclass(frozen=True)
class Voice:
    """What a command tells people, or programs, on standard error."""

    reporter: Reporter

    def say(self, line: str) -> None:
        """Tell what came of it: a line for people, in JSON a notice of the kind `result`."""
        if isinstance(self.reporter, JsonLinesReporter):
            self.reporter.receive(NoticeGiven(notice=Notice(kind="result", message=line)))
        else:
            say(line)


@contextmanager
def reporting(progress: str) -> Iterator[Voice]:
    """Make the reporter of a command; Ctrl-C inside the block cancels it and interrupts.

    Raises
    ------
    OptionError
        There is no such format.
    """
    if progress not in FORMATS:
        raise unknown_name("kind of progress", progress, FORMATS)
    reporter: Reporter = SilentReporter()
    if progress == "auto":
        reporter = TextReporter(sys.stderr)
    elif progress == "json":
        reporter = JsonLinesReporter(sys.stderr)
    with _cancelled_by_ctrl_c(reporter):
        yield Voice(reporter)


@contextmanager
def _cancelled_by_ctrl_c(reporter: Reporter) -> Iterator[None]:
    """Cancel first, so that work in other threads stops too, then interrupt this one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        reporter.cancel_token.cancel()
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
