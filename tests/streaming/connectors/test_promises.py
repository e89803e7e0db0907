"""The published checks of the connectors: those that need nothing but this machine, and those whose broker answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headstart.testing import CheckSkipped, checks_of
from headstart.testing.brokers import BROKERS
from headstart.testing.connector_examples import broker_place
from headstart.testing.connectors import ConnectorExample
from servers import free_port

if TYPE_CHECKING:
    from brokers import Broker

    from headstart.testing import Check

NAMES = ("amqp", "file", "folder", "http", "mqtt", "nats", "redis", "sqlite", "stdio")


@pytest.mark.parametrize("check", [one for name in NAMES for one in checks_of("connectors", name)], ids=str)
def test_a_connector_keeps_its_promises(check: Check) -> None:
    check()


@pytest.mark.parametrize("promise", [one.name for one in checks_of("connectors", "kafka")])
def test_kafka_keeps_its_promises(promise: str, kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Tansu too, which has no idempotent producers."""
    monkeypatch.setenv(BROKERS["kafka"].variable, kafka.url)
    options = "".join(f"&{name}={value}" for name, value in kafka.outlet_options)
    place = broker_place("kafka", "?create=1&partitions=1", f"?create=1&partitions=1{options}")
    example = ConnectorExample(place=place)
    next(one for one in checks_of("connectors", "kafka", example=example) if one.name == promise)()


@pytest.mark.parametrize("name", BROKERS)
def test_a_broker_that_does_not_answer_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = BROKERS[name]
    monkeypatch.setenv(kind.variable, kind.usual.rpartition(":")[0] + f":{free_port()}")
    scheme = "amqp" if name == "rabbitmq" else name
    with pytest.raises(CheckSkipped, match=f"no {kind.title} answers at .*; run it with: make services"):
        checks_of("connectors", scheme)[0]()
