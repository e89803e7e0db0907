"""Tests of `streaming/connectors/inbox.py`."""

from __future__ import annotations

import asyncio

import pytest

from headstart.streaming.connectors.inbox import Inbox


def test_items_come_in_order_and_no_more_than_asked_for() -> None:
    async def run() -> None:
        inbox: Inbox[int] = Inbox()
        asyncio.get_running_loop().call_later(0.01, inbox.put, 1)
        assert await inbox.take(2, 5) == [1]
        for i in (2, 3, 4):
            inbox.put(i)
        assert await inbox.take(2, 5) == [2, 3]
        assert await inbox.take(2, 5) == [4]
        assert await inbox.take(2, 0.01) == []

    asyncio.run(run())


def test_who_waits_is_woken_when_it_breaks() -> None:
    async def run() -> None:
        inbox: Inbox[int] = Inbox()
        asyncio.get_running_loop().call_later(0.01, inbox.put_broken, OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await inbox.take(1, 5)

    asyncio.run(run())
