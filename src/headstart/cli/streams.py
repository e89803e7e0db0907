"""Standard input, output and error, whatever the caller made of them: closed, full, or read by nobody."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path

from headstart.core.errors import DataError, StorageError
from headstart.storage.files import storage_errors

STANDARD_OUTPUT = Path("standard output")


class ClosedInput(io.TextIOBase):
    """Standard input that the caller has closed."""

    def readable(self) -> bool:
        """It is a stream to read from, which refuses."""
        return True

    def read(self, size: int | None = -1, /) -> str:  # noqa: ARG002
        """Refuse."""
        raise DataError("standard input is closed. Pipe JSON Lines into the command, or name a file instead of -.")

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """Refuse."""
        return self.read(size)


class ClosedOutput(io.TextIOBase):
    """Standard output that the caller has closed."""

    def write(self, _: str) -> int:
        """Refuse."""
        raise StorageError("standard output is closed. Redirect it to a file, or name a file with --out.")


def open_streams() -> None:
    """Put something in the place of closed streams, so that no file that is opened later takes their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = ClosedInput()
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


def put(text: str) -> None:
    """Print text on standard output.

    Raises
    ------
    StorageError
        It is closed, or its disk is full.
    """
    with storage_errors(STANDARD_OUTPUT):
        sys.stdout.write(text)


def finish() -> None:
    """Bring what was printed to its reader: a reader who has gone is met here, not while the interpreter ends.

    Raises
    ------
    BrokenPipeError, StorageError
        Nobody reads it, or its disk is full.
    """
    with storage_errors(STANDARD_OUTPUT):
        sys.stdout.flush()


def abandon_output() -> None:
    """Leave unsaid what standard output did not take, so that the interpreter does not try again when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
