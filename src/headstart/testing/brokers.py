"""The brokers that the checks of connectors look for: each on its usual port of this machine, or where the environment says."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from headstart.streaming.address import Address
from headstart.testing.checks import CheckSkipped

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_TIMEOUT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class BrokerKind:
    """A kind of broker, and where one is looked for.

    Attributes
    ----------
    title : what people call it
    usual : the address that is tried where the environment names none
    example : an address as it would be named
    library : that the connector imports
    delete : deletes a queue of a broker, with what it holds
    """

    name: str
    title: str
    usual: str
    example: str
    library: str
    delete: Callable[[Address, str], Coroutine[Any, Any, None]]

    @property
    def variable(self) -> str:
        """Names the broker in the environment."""
        return f"HEADSTART_{self.name.upper()}"

    @property
    def missing(self) -> tuple[str, str]:
        """What is missing where it does not answer, and the line that brings it."""
        place = self.usual.rpartition("@")[2].rpartition("/")[2]
        return (
            f"no {self.title} answers at {place}",
            f"make services  # or name it: {self.variable}={self.example}",
        )

    def url(self) -> str:
        """Where one answers, without a queue.

        Raises
        ------
        CheckSkipped
            None answers.
        """
        url = os.environ.get(self.variable, self.usual).rstrip("/")
        place = Address.parse(url)
        if find_spec(self.library) is None:
            raise CheckSkipped(
                f"the client of {self.title} is not installed; run it with: pip install 'headstart[stream]'"
            )
        try:
            socket.create_connection((place.host, place.port or 0), timeout=_TIMEOUT_S).close()
        except OSError as error:
            raise CheckSkipped("; run it with: ".join(self.missing)) from error
        return url


def delete_queue(kind: str, place: Address, queue: str) -> None:
    """Delete a queue, and the sessions that checks may have left."""
    asyncio.run(BROKERS[kind].delete(place, queue))


async def _delete_nats(place: Address, queue: str) -> None:
    import nats

    client = await nats.connect(f"nats://{place.host}:{place.port}")
    with suppress(Exception):
        await client.jetstream().delete_stream(queue)
    await client.close()


async def _delete_redis(place: Address, queue: str) -> None:
    from redis.asyncio import Redis

    client = Redis(host=place.host, port=place.port or 6379)
    await client.delete(queue, f"{{{queue}}}:keys")
    await client.aclose()


async def _delete_rabbitmq(place: Address, queue: str) -> None:
    import aio_pika

    connection = await aio_pika.connect(
        host=place.host, port=place.port or 5672, login=place.user, password=place.password
    )
    async with connection, connection.channel() as channel:
        await channel.queue_delete(queue)


async def _delete_mqtt(place: Address, queue: str) -> None:
    """A session ends where its name comes again and starts cleanly."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    for name in (f"headstart-{queue}", f"headstart-{queue}-0", f"headstart-{queue}-1", f"{queue}-a", f"{queue}-b"):
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
        client.connect(place.host, place.port or 1883, clean_start=True)
        client.loop(0.2)
        client.disconnect()


async def _delete_kafka(place: Address, queue: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=f"{place.host}:{place.port}")
    await admin.start()
    with suppress(Exception):
        await admin.delete_topics([queue])
    await admin.close()


_KINDS = (
    BrokerKind(
        name="kafka",
        title="Kafka",
        usual="kafka://127.0.0.1:9092",
        example="kafka://HOST:PORT",
        library="aiokafka",
        delete=_delete_kafka,
    ),
    BrokerKind(
        name="mqtt",
        title="MQTT broker",
        usual="mqtt://127.0.0.1:1883",
        example="mqtt://HOST:PORT",
        library="paho",
        delete=_delete_mqtt,
    ),
    BrokerKind(
        name="nats",
        title="NATS",
        usual="nats://127.0.0.1:4222",
        example="nats://HOST:PORT",
        library="nats",
        delete=_delete_nats,
    ),
    BrokerKind(
        name="rabbitmq",
        title="RabbitMQ",
        usual="amqp://guest:guest@127.0.0.1:5672",
        example="amqp://USER:PASSWORD@HOST:PORT",
        library="aio_pika",
        delete=_delete_rabbitmq,
    ),
    BrokerKind(
        name="redis",
        title="Redis",
        usual="redis://127.0.0.1:6379",
        example="redis://HOST:PORT",
        library="redis",
        delete=_delete_redis,
    ),
)
BROKERS = {one.name: one for one in _KINDS}
