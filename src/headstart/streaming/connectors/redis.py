"""Redis streams: `redis://HOST:6379/STREAM`, through a consumer group; what a dead worker held is claimed."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import check_installed
from headstart.streaming.connectors.messages import (
    Message,
    as_delivery,
    body_of,
    choice_option,
    headers_of,
    number_option,
)
from headstart.streaming.connectors.redis_connection import ANSWER_S, CONNECT_S, RedisConnection, redis_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output

_DATA = "data"
_IDLE_FOR_LONG_MS = 10**9

_COMMON = {"create": "1: create the stream if it is missing", "db": "number of the database; 0 if it is not given"}

# one call is one step: nothing can come between the key and its output, also when the server dies
_WRITE = """
local now = tonumber(redis.call('TIME')[1])
local window, maxlen, n, at = tonumber(ARGV[1]), ARGV[2], 0, 3
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - window)
while at <= #ARGV do
  local key, n_fields = ARGV[at], tonumber(ARGV[at + 1])
  if redis.call('ZADD', KEYS[2], 'NX', now, key) == 1 then
    local call = {'XADD', KEYS[1]}
    if maxlen ~= '0' then call = {'XADD', KEYS[1], 'MAXLEN', '~', maxlen} end
    call[#call + 1] = '*'
    for i = at + 2, at + 1 + n_fields do call[#call + 1] = ARGV[i] end
    redis.call(unpack(call))
    n = n + 1
  end
  at = at + 2 + n_fields
end
return n
"""


class Redis:
    """Streams of Redis, and of servers that speak its protocol."""

    inlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "group": "name of the consumer group that workers share; `headstart` if it is not given",
        "start": "`first`: a new group begins with the oldest record, `new`: with the next one",
        "wait_s": "what a worker that died held is given to another after so many seconds; 10 if it is not given",
        "key": f"field with the record's key; `key`, beside `{_DATA}`, if it is not given, and else the entry's id",
    }
    outlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "window_s": "a key that was written within so many seconds is dropped; 604800, a week, if it is not given",
        "maxlen": "keep about so many entries; all if it is not given",
    }

    def inlet(self, address: Address) -> RedisInlet:
        """Read a stream."""
        address.check_options(self.inlet_options)
        _require()
        return RedisInlet(address)

    def outlet(self, address: Address) -> RedisOutlet:
        """Write to a stream."""
        address.check_options(self.outlet_options)
        _require()
        return RedisOutlet(address)


def _require() -> None:
    check_installed("redis", extra="stream", purpose="A stream of Redis")


class RedisInlet(RedisConnection):
    """Reads first what it held before, then what the dead held, then what is new."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._group = address.options.get("group", "headstart")
        self._starts = choice_option(address, "start", ("first", "new"))
        self._wait_ms = int(number_option(address, "wait_s", 10, least=0.1) * 1000)
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._held: set[str] = set()
        self._next_claim = 0.0
        self._cursor: Any = "0-0"
        self._renewing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; make the consumer group."""
        from redis.exceptions import ResponseError

        await self.close()
        self._held, self._next_claim, self._cursor = set(), 0.0, "0-0"
        try:
            client = await self._connect()
            with redis_errors(self._address):
                try:
                    start = "0" if self._starts == "first" else "$"
                    await client.xgroup_create(self._stream, self._group, id=start, mkstream=self._creates)
                except ResponseError as error:
                    if "BUSYGROUP" not in str(error):
                        raise
                await self._let_go(await self._own_ids())
        except BaseException:
            await self._disconnect()
            raise
        self._renewing = asyncio.create_task(self._renew())

    async def _own_ids(self) -> list[str]:
        """Ids that this consumer held when its connection broke."""
        rows = await self._connected().xpending_range(
            self._stream, self._group, "-", "+", count=100_000, consumername=self._consumer
        )
        return [row["message_id"].decode() for row in rows]

    async def _let_go(self, ids: Sequence[str]) -> None:
        """Make entries look as if they had waited for long, so that the next claim takes them."""
        if ids:
            await self._connected().xclaim(
                self._stream, self._group, self._consumer, 0, list(ids), idle=_IDLE_FOR_LONG_MS, justid=True
            )

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`."""
        client, loop = self._connected(), asyncio.get_running_loop()
        end = loop.time() + timeout_s
        with redis_errors(self._address):
            while True:
                if loop.time() >= self._next_claim and (claimed := await self._claim(n)):
                    return claimed
                # not longer than the next claim: else the last records of a dead worker wait for new ones
                block_s = max(min(end, self._next_claim) - loop.time(), 0.001)
                block_ms = min(max(int(block_s * 1000), 1), ANSWER_S * 500)
                read = await client.xreadgroup(
                    self._group, self._consumer, {self._stream: ">"}, count=n, block=block_ms
                )
                deliveries = [self._deliver(*entry) for entry in _entries(read)]
                if deliveries or loop.time() >= end:
                    return deliveries

    async def _claim(self, n: int) -> list[Delivery]:
        """Take over what was held for too long; go on at the cursor, and wait after a whole round."""
        self._cursor, entries, *_ = await self._connected().xautoclaim(
            self._stream, self._group, self._consumer, self._wait_ms, self._cursor, count=n
        )
        if self._cursor in {b"0-0", "0-0"}:
            self._next_claim = asyncio.get_running_loop().time() + self._wait_ms / 2000
        return [
            self._deliver(name, fields)
            for name, fields in entries
            if fields is not None and name.decode() not in self._held
        ]

    def _deliver(self, name: bytes, fields: dict[bytes, bytes]) -> Delivery:
        place = name.decode()
        self._held.add(place)
        key_field = self._address.options.get("key", "")
        common = {"key": f"{self._stream}/{place}", "key_header": key_field, "token": place}
        time = int(place.partition("-")[0]) / 1000
        if _DATA.encode() in fields:
            body = fields[_DATA.encode()]
            headers = {_text(name): _text(value) for name, value in fields.items() if name != _DATA.encode()}
            return as_delivery(Message(body=body, headers=headers, time=time, **common))
        return as_delivery(_message_of_fields(fields, time=time, **common))

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Take entries from the list of pending ones."""
        if deliveries:
            with redis_errors(self._address):
                await self._connected().xack(self._stream, self._group, *(delivery.token for delivery in deliveries))
            self._held.difference_update(delivery.token for delivery in deliveries)

    async def _renew(self) -> None:
        """Claim again what is held, so that no other worker takes it for left behind."""
        with suppress(Exception):
            while True:
                await asyncio.sleep(self._wait_ms / 3000)
                if held := list(self._held):
                    await self._connected().xclaim(self._stream, self._group, self._consumer, 0, held, justid=True)

    async def close(self) -> None:
        """Give back what was not acknowledged."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
        if self._client is not None:
            with suppress(Exception):
                held = await asyncio.wait_for(self._own_ids(), CONNECT_S)
                await self._let_go(held)
                if not held:
                    await self._client.xgroup_delconsumer(self._stream, self._group, self._consumer)
        self._held.clear()
        await self._disconnect()


def _entries(read: Any) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """Entries of an answer to XREADGROUP, which is a list of streams or a dict of them, by the version of the protocol."""
    streams = read.values() if isinstance(read, dict) else [entries for _, entries in read or ()]
    for entries in streams:
        yield from (entry for entry in _flat(entries) if entry[1] is not None)


def _flat(entries: Any) -> Any:
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _message_of_fields(fields: dict[bytes, bytes], *, key: str, key_header: str, token: str, time: float) -> Message:
    """Make a message of an entry that is a record itself, one field a column."""
    columns = {_text(name): _text(value) for name, value in fields.items()}
    body = json.dumps(columns, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    if key_header in columns:
        headers[key_header] = columns[key_header]
    return Message(body=body, headers=headers, key=key, key_header=key_header, time=time, token=token)


class RedisOutlet(RedisConnection):
    """Writes keys and outputs in one script: a key that is there already is dropped with its output."""

    is_idempotent = True

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._window_s = number_option(address, "window_s", 604_800, least=1)
        self._maxlen = int(number_option(address, "maxlen", 0))
        self._script: Any = None

    async def open(self) -> None:
        """Connect."""
        await self.close()
        try:
            self._script = (await self._connect()).register_script(_WRITE)
        except BaseException:
            await self.close()
            raise

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write all in one step; as durable as the server's own settings say (`appendonly`, `appendfsync`)."""
        self._connected()
        arguments: list[Any] = [self._window_s, self._maxlen]
        for output in outputs:
            fields: list[Any] = [part for pair in headers_of(output, event_prefix="ce_").items() for part in pair]
            fields += [_DATA, body_of(output)]
            arguments += [output.key, len(fields), *fields]
        if outputs:
            with redis_errors(self._address):
                await self._script(keys=[self._stream, f"{{{self._stream}}}:keys"], args=arguments)

    async def close(self) -> None:
        """End."""
        self._script = None
        await self._disconnect()
