"""Tests of `streaming/connectors/messages.py`."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.core.errors import OptionError, ServiceError
from headstart.streaming.address import Address
from headstart.streaming.connectors.messages import (
    Message,
    as_delivery,
    flag_option,
    headers_of,
    number_option,
    service_errors,
)
from headstart.streaming.record import Output


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        (b'{"text": "late"}', "application/json", {"text": "late"}),
        (b'{"text": "late"}', "", {"text": "late"}),
        (b'"late"', "application/vnd.desk+json", "late"),
        ("spät".encode(), "", "spät"),
        (b"{late", "text/plain; charset=utf-8", "{late"),
        (b"\xff\xd8\xff", "image/jpeg", b"\xff\xd8\xff"),
        (b"\xff\xd8\xff", "", b"\xff\xd8\xff"),
    ],
)
def test_a_body_is_read_by_its_content_type(body: bytes, content_type: str, content: Any) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    record = as_delivery(Message(body=body, headers=headers, key="1")).record
    assert record is not None
    assert record.content == content


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (b"{late", {}, "no JSON"),
        (b"7", {"content-type": "application/json"}, "neither an object nor a string"),
        (b"\xff", {"content-type": "text/plain"}, "not UTF-8"),
        (b"{}", {"ce_time": "2026-11-29T08:00:00"}, "without a time zone"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, headers: dict[str, str], why: str) -> None:
    delivery = as_delivery(Message(body=body, headers=headers, key="1", token=5))
    assert delivery.record is None
    assert why in delivery.error
    assert (delivery.raw, delivery.token) == (body, 5)


def test_a_key_header_goes_before_the_brokers_own() -> None:
    found = as_delivery(Message(body=b"{}", headers={"Order": "A7"}, key="in/1", key_header="order")).record
    assert found is not None
    assert found.key == "A7"
    assert "no header 'order'" in as_delivery(Message(body=b"{}", key="in/1", key_header="order")).error


def test_an_output_has_key_and_content_type_of_its_own() -> None:
    attributes = {"content-type": "image/jpeg", "key": "old", "ce_id": "1", "trace": "x"}
    headers = headers_of(Output(key="7", value={}, attributes=attributes), event_prefix="ce-")
    assert headers == {"key": "7", "content-type": "application/json", "ce-id": "1", "trace": "x"}


def test_options_are_checked() -> None:
    address = Address.parse("redis://host/in?wait_s=soon&create=yes")
    with pytest.raises(OptionError, match="wait_s=soon"):
        number_option(address, "wait_s", 1)
    with pytest.raises(OptionError, match="create=yes"):
        flag_option(address, "create")


def test_a_librarys_error_names_the_address_without_the_password() -> None:
    address = Address.parse("amqp://guest:s3cret@host/in")
    with pytest.raises(ServiceError, match="host/in") as caught, service_errors(address, OSError):
        raise OSError("refused")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        "nats: 'Authorization Violation'",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.",
        "Bad user name or password",
        "Not authorized",
    ],
)
def test_a_refused_password_ends_at_once(said: str) -> None:
    address = Address.parse("redis://me:secret@127.0.0.1/tickets")
    with (
        pytest.raises(OptionError, match="refuses the user or the password") as caught,
        service_errors(address, OSError),
    ):
        raise OSError(said)
    assert "secret" not in str(caught.value)
