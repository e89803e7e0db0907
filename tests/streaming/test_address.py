"""Tests of `streaming/address.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://t0ken@localhost/x", "nats://…@localhost/x"),
        ("redis://:s3cret@localhost/x", "redis://:…@localhost/x"),
        ("https://host/x?api_key=s3cret&n=3", "https://host/x?api_key=…&n=3"),
        (
            "https://host/x?n=3&X-Amz-Signature=s3cret&access_token=t0ken",
            "https://host/x?n=3&X-Amz-Signature=…&access_token=…",
        ),
        ("kafka://host/x?key=id&group=a", "kafka://host/x?key=id&group=a"),
        ("sqlite:///a@b.db?table=x", "sqlite:///a@b.db?table=x"),
    ],
)
def test_nor_are_tokens(text: str, shown: str) -> None:
    assert Address.parse(text).text == shown


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="durable"):
        Address.parse("nats://localhost/tickets?durabel=a").check_options(["durable", "stream"])


def test_a_bad_port_is_refused() -> None:
    with pytest.raises(OptionError, match="is no address"):
        Address.parse("nats://localhost:many/tickets")


def test_a_path_may_have_options_or_be_a_name_with_a_question_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "why?.jsonl").touch()
    (tmp_path / "photos").mkdir()
    assert Address.parse("in.jsonl?follow=1").options == {"follow": "1"}
    assert Address.parse("why?.jsonl").path == "why?.jsonl"
    assert Address.parse("photos?done=x").scheme == "folder"
    assert Address.parse("new/").scheme == "folder"
    assert Address.parse("sqlite://Queue.db").path == "Queue.db"


def test_every_partition_is_one_workers() -> None:
    workers = [replace(Address.parse("-"), worker=worker, n_workers=3) for worker in range(3)]
    shared = [[one.is_mine(str(i)) for one in workers] for i in range(300)]
    assert all(sum(mine) == 1 for mine in shared)
    assert all(60 < sum(mine[worker] for mine in shared) < 140 for worker in range(3))


def test_numbers_and_flags() -> None:
    address = Address.parse("folder:///a?settle_ms=2.5&follow=0&done=")
    assert address.number("settle_ms", 1.0) == 2.5
    assert address.number("done", 7.0) == 7.0
    assert not address.flag("follow", default=True)
    for text in ("-1", "nan", "inf", "x"):
        with pytest.raises(OptionError, match="must be a number from 0"):
            replace(address, options={"n": text}).number("n", 1.0)


def test_a_hash_is_a_part_of_a_topic() -> None:
    assert Address.parse("mqtt://localhost/desk/#").path == "desk/#"


@pytest.mark.parametrize("password", ["s3#cret", "s3/cret", "s3?cret"])
def test_a_password_that_breaks_the_address_is_not_shown(password: str) -> None:
    with pytest.raises(OptionError, match="%23 for #") as raised:
        Address.parse(f"redis://ada:{password}@localhost/tickets")
    assert "s3" not in str(raised.value)


@pytest.mark.parametrize(("text", "said"), [("", "empty"), (" ", "empty"), ("nats:/desk/x", "nats://desk/x")])
def test_what_was_meant_to_be_another_address_is_refused(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Address.parse(text)
