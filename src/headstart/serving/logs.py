"""One line of JSON for each request: who asked for what, how it went, how long it took. Never what was sent."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import re
import select
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from headstart.serving.asgi import header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from headstart.serving.asgi import Scope

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_STANDARD_ERROR = 2
_RELAY_S = 1.0
_LONGEST = 500  # characters of one value: a line, however it is escaped, is shorter than what a pipe takes at once


def request_id(scope: Scope) -> str:
    """The caller's X-Request-Id where it is a plain word, else a new one."""
    given = header(scope, b"x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def write(event: str, **fields: Any) -> None:
    """Write one line on standard error, whole and in ASCII, so that no letter in it can end it.

    Where nobody takes the lines (a pipe that is full, a disk that is), they are counted and left out: a server must not stop
    for its log. The next line that is taken says how many are missing.
    """
    line = {"time": _now(), "event": event}
    line |= {key: _cut(value) for key, value in fields.items() if value is not None}
    _stream.write(line)


class Lines(logging.Handler):
    """Writes what libraries log in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, its error by name only."""
        error = record.exc_info[1] if record.exc_info else None
        write(record.levelname.lower(), logger=record.name, message=record.getMessage(), error=error and repr(error))


@contextlib.contextmanager
def standard_error_in_lines() -> Iterator[None]:
    """Write what libraries of C write on standard error, such as libtiff on a damaged photo, in the same form.

    A library never waits for that: what comes faster than it is taken is left out.
    """
    try:
        is_usual = sys.stderr.fileno() == _STANDARD_ERROR
    except (AttributeError, OSError, ValueError):
        is_usual = False
    if not is_usual:
        yield
        return
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    _stream.file = os.fdopen(os.dup(_STANDARD_ERROR), "w")
    os.dup2(sender, _STANDARD_ERROR)
    os.close(sender)
    thread = threading.Thread(target=_relay, args=(receiver,), name="headstart-stderr", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.dup2(_stream.file.fileno(), _STANDARD_ERROR)  # the only writer of the pipe is gone, so the thread ends
        thread.join(_RELAY_S)
        _stream.file = None


def _relay(receiver: int) -> None:
    with os.fdopen(receiver, "rb") as written:
        for line in iter(lambda: written.readline(_LONGEST), b""):
            if text := line.decode("utf-8", "replace").strip():
                write("stderr", message=text)


class _Stream:
    """Standard error, which is never waited for.

    Attributes
    ----------
    file : where it is, if libraries write elsewhere
    """

    def __init__(self) -> None:
        self.n_lost = 0
        self.file: TextIO | None = None

    def write(self, line: dict[str, Any]) -> None:
        if self.n_lost:
            line = {**line, "lines_lost": self.n_lost}
        try:
            file = self.file or sys.stderr
            if not _is_taken(file):
                raise BlockingIOError
            file.write(json.dumps(line) + "\n")
            file.flush()
        except (OSError, ValueError):
            self.n_lost += 1
        else:
            self.n_lost = 0


_stream = _Stream()


def _is_taken(file: TextIO) -> bool:
    """Whether it takes a line at once."""
    descriptor = -1
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a stream of Python's own
        descriptor = file.fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _cut(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"
