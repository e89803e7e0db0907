"""How many answers lie in a place, asked of the place itself: who collects them would take from the cores that are measured."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from headstart.streaming.address import Address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Count = Callable[[], Awaitable[int]]


@asynccontextmanager
async def counter_of(text: str) -> AsyncIterator[Count | None]:
    """A function that counts what lies at an address; None where a place tells nobody, as with MQTT."""
    address = Address.parse(text)
    opened = {"sqlite": _sqlite, "redis": _redis, "nats": _nats, "amqp": _rabbitmq, "kafka": _kafka}.get(address.scheme)
    if opened is None:
        yield None
        return
    async with opened(address, address.path.strip("/")) as count:
        yield count


@asynccontextmanager
async def _sqlite(address: Address, _: str) -> AsyncIterator[Count]:
    database = sqlite3.connect(f"file:{address.path}?mode=ro", uri=True)

    async def count() -> int:
        table = address.options.get("table", "answers")
        (n,) = database.execute(f'SELECT ifnull(max(rowid), 0) FROM "{table}"').fetchone()
        return int(n)

    yield count
    database.close()


@asynccontextmanager
async def _redis(address: Address, name: str) -> AsyncIterator[Count]:
    from redis.asyncio import Redis

    async with Redis(host=address.host, port=address.port or 6379) as client:

        async def count() -> int:
            return int(await client.xlen(name))

        yield count


@asynccontextmanager
async def _nats(address: Address, name: str) -> AsyncIterator[Count]:
    import nats

    client = await nats.connect(f"nats://{address.host}:{address.port or 4222}")

    async def count() -> int:
        return int((await client.jetstream().stream_info(name)).state.messages)

    yield count
    await client.close()


@asynccontextmanager
async def _rabbitmq(address: Address, name: str) -> AsyncIterator[Count]:
    import aio_pika

    connection = await aio_pika.connect(
        host=address.host, port=address.port or 5672, login=address.user, password=address.password
    )
    async with connection, connection.channel() as channel:

        async def count() -> int:
            return int((await channel.declare_queue(name, passive=True)).declaration_result.message_count or 0)

        yield count


@asynccontextmanager
async def _kafka(address: Address, name: str) -> AsyncIterator[Count]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    async with AIOKafkaConsumer(bootstrap_servers=f"{address.host}:{address.port or 9092}") as consumer:

        async def count() -> int:
            parts = [TopicPartition(name, one) for one in consumer.partitions_for_topic(name) or {0}]
            return int(sum((await consumer.end_offsets(parts)).values()))

        yield count
