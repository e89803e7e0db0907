"""Places on this machine for the checks of the connectors that need nothing else."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from headstart.testing.connectors import ConnectorExample
from headstart.testing.event_server import event_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _file(folder: Path) -> Iterator[tuple[str, str]]:
    path = folder / "records.jsonl"
    path.touch()
    yield f"{path}?follow=1", str(path)


@contextmanager
def _folder(folder: Path) -> Iterator[tuple[str, str]]:
    watched = folder / "watched"
    watched.mkdir()
    yield f"folder://{watched}?settle_ms=0", f"folder://{watched}"


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, str]]:
    database = f"sqlite://{folder / 'queue.db'}"
    yield f"{database}?table=answers&id=key", f"{database}?table=answers"


@contextmanager
def _http(folder: Path) -> Iterator[tuple[str, str]]:
    del folder
    with event_server() as server:
        url = f"http://127.0.0.1:{server.server_port}/events"
        yield url, url


@contextmanager
def _stdio(folder: Path) -> Iterator[tuple[str, str]]:
    """A pipe from standard output to standard input."""
    del folder
    receiver, sender = os.pipe()
    with (
        os.fdopen(receiver, "rb") as read,
        io.TextIOWrapper(os.fdopen(sender, "wb")) as written,
        mock.patch.object(sys, "stdin", read),
        mock.patch.object(sys, "stdout", written),
    ):
        try:
            yield "-", "-"
        finally:
            written.close()  # the thread that reads from the pipe ends


FILE = ConnectorExample(place=_file)
FOLDER = ConnectorExample(place=_folder)
HTTP = ConnectorExample(place=_http)
SQLITE = ConnectorExample(place=_sqlite)
STDIO = ConnectorExample(place=_stdio, redelivers=False)
