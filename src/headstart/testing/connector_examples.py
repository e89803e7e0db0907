"""Places on this machine for the checks of the built-in connectors: those that need nothing else, and those of brokers that answer."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock
from uuid import uuid4

from headstart.streaming.address import Address
from headstart.streaming.connecting import inlet_of
from headstart.testing.brokers import BROKERS, delete_queue
from headstart.testing.connectors import ConnectorExample
from headstart.testing.event_server import event_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
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


def broker_place(
    name: str, from_options: str = "", to_options: str = "", *, is_opened_once: bool = False
) -> Callable[[Path], AbstractContextManager[tuple[str, str]]]:
    """Give a place that is a queue of its own on the broker that answers, deleted afterwards.

    Parameters
    ----------
    name : of the kind of broker, as in `BROKERS`
    from_options, to_options : that follow the queue in the two addresses, from their '?' on
    is_opened_once : whether the inlet is opened and closed first, where a broker keeps only what comes after its reader
    """

    @contextmanager
    def place(folder: Path) -> Iterator[tuple[str, str]]:
        del folder
        url, queue = BROKERS[name].url(), f"check-{uuid4().hex[:12]}"
        from_, to = f"{url}/{queue}{from_options}", f"{url}/{queue}{to_options}"
        if is_opened_once:
            asyncio.run(_open_once(from_))
        try:
            yield from_, to
        finally:
            delete_queue(name, Address.parse(url), queue)

    return place


async def _open_once(address: str) -> None:
    inlet = inlet_of(address)
    await inlet.open()
    await inlet.close()


FILE = ConnectorExample(place=_file)
FOLDER = ConnectorExample(place=_folder)
HTTP = ConnectorExample(place=_http)
SQLITE = ConnectorExample(place=_sqlite)
STDIO = ConnectorExample(place=_stdio, redelivers=False)
KAFKA = ConnectorExample(place=broker_place("kafka", "?create=1&partitions=1", "?create=1&partitions=1"))
MQTT = ConnectorExample(place=broker_place("mqtt", is_opened_once=True))
NATS = ConnectorExample(place=broker_place("nats", "?create=1", "?create=1"))
RABBITMQ = ConnectorExample(place=broker_place("rabbitmq", "?create=1", "?create=1"))
REDIS = ConnectorExample(place=broker_place("redis", "?create=1", "?create=1"))
