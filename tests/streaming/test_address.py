"""Tests of `streaming/address.py`."""

from __future__ import annotations

import pytest

from headstart.core.errors import OptionError
from headstart.streaming.address import Address


@pytest.mark.parametrize(
    ("text", "scheme", "path"),
    [
        ("-", "stdio", ""),
        ("tickets.jsonl", "file", "tickets.jsonl"),
        ("sqlite:///var/queue.db?table=todo", "sqlite", "/var/queue.db"),
        ("nats://localhost:4222/tickets", "nats", "tickets"),
    ],
)
def test_an_address_says_where(text: str, scheme: str, path: str) -> None:
    address = Address.parse(text)
    assert (address.scheme, address.path) == (scheme, path)


def test_a_password_is_never_shown() -> None:
    address = Address.parse("amqp://guest:s3cret@localhost/tickets")
    assert address.password == "s3cret"
    assert "s3cret" not in repr(address)
    assert "s3cret" not in address.text


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="durable"):
        Address.parse("nats://localhost/tickets?durabel=a").check_options(["durable", "stream"])


def test_a_bad_port_is_refused() -> None:
    with pytest.raises(OptionError, match="is no address"):
        Address.parse("nats://localhost:many/tickets")
