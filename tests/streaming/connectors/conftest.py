"""The broker that a test is for, and a queue of its own that is deleted after it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from brokers import USUAL, Broker, find, new_queue, tansu
from pytest_socket import socket_allow_hosts

from headstart.streaming.address import Address

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Kafka that answers, or Tansu."""
    place = Address.parse(os.environ.get("HEADSTART_KAFKA", USUAL["kafka"]))
    with suppress(OSError), socket.create_connection((place.host, place.port or 9092), timeout=2):
        yield find("kafka")
        return
    with tansu(tmp_path_factory.mktemp("tansu")) as broker:
        yield broker


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Broker:
    """The broker of `name`, by the parameter or by the name of the test's file."""
    name = getattr(request, "param", None) or request.path.stem.removeprefix("test_")
    broker = request.getfixturevalue("kafka") if name == "kafka" else find(name)
    host = broker.place.host
    socket_allow_hosts(["127.0.0.1", "::1", host], allow_unix_socket=True)
    return broker


@pytest.fixture
def queue(broker: Broker) -> Iterator[str]:
    """A name that no one else has."""
    name = new_queue()
    yield name
    broker.delete(name)
