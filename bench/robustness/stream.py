"""Is a record lost or doubled when something breaks in the middle of a stream? 20,000 numbered records for each broker and fault.

Each time: a broker of the bench's own, a queue of numbered texts, `headstart stream` from it to another queue of the same broker (or a
table of SQLite, or a file), a fault while it runs, and a count of the numbers in the output. Faults: the broker is stopped and started
(SIGKILL; Mosquitto, which writes at its end, SIGTERM), the worker is killed with SIGKILL and started again, the connection is cut three
times, the disk of the output is full for three seconds. "fault at" is how many were answered by then. Run: .venv/bin/python -m bench.robustness.stream [--brokers nats,redis] [--quick]
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from bench.options import names, parse, parser_of
from bench.processes import HEADSTART
from bench.robustness.cut import CuttingProxy
from bench.robustness.own_brokers import OwnBroker, free_port, is_installed, wait_until
from headstart.core.errors import ServiceError
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.record import Output

if TYPE_CHECKING:
    from headstart.streaming.connector import Inlet

BROKERS = ["nats", "redis", "rabbitmq", "mqtt", "kafka"]
FAULTS = ["broker", "worker", "cut", "disk"]
_DROPS_DOUBLES = ("nats", "redis")
_IDLE_S, _LIMIT_S = 25.0, 600.0


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--brokers", type=names, default=BROKERS)
    parser.add_argument("--faults", type=names, default=FAULTS)
    parser.add_argument("--records", type=int, default=20_000)
    options = parse(parser, brokers=["nats"], records=500, faults=["worker"])
    os.environ.setdefault("HEADSTART_THREADS", "1")
    n_wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = make_bundle(folder)
        print(
            f"{'broker':<10}{'output':<8}{'fault':<8}{'records':>8}{'fault at':>10}{'lost':>6}{'doubled':>9}{'seconds':>9}",
            flush=True,
        )
        for broker in options.brokers:
            if not is_installed(broker):
                print(f"{broker:<10}not installed here")
                continue
            for output, fault in cells(broker, options.faults):
                case = Case(folder / f"{broker}-{output}-{fault}", bundle, broker, output, fault, options.records)
                n_wrong += case.run()
    sys.exit(bool(n_wrong))


def cells(broker: str, faults: list[str]) -> list[tuple[str, str]]:
    """Outputs and faults of a broker: into itself, and, where it drops no doubles, into a table of SQLite, which does."""
    outputs = ["self"] if broker in _DROPS_DOUBLES else ["self", "sqlite"]
    pairs = [(output, fault) for output in outputs for fault in faults if fault != "disk"]
    if broker == "kafka":
        pairs = [
            (output, fault) for output, fault in pairs if fault == "worker"
        ]  # see OwnBroker.keeps_data; it names its own port
    return [*pairs, *([("file", "disk")] if "disk" in faults else [])]


def make_bundle(folder: Path) -> Path:
    """A model that is quick to fit and to ask."""
    import headstart

    table = folder / "texts.csv"
    words = {"late": "the parcel is late again", "broken": "it came broken into pieces", "lost": "they lost my letter"}
    rows = [f"{text} {i},{label}" for i in range(20) for label, text in words.items()]
    table.write_text("text,label\n" + "\n".join(rows) + "\n")
    out = folder / "model"
    headstart.fit(table, out=out, source="wordllama-256", tune="none", baselines="none", progress=None)
    return out


@dataclass
class Worker:
    """`headstart stream` as a child process."""

    words: list[str]
    folder: Path
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = ["--metrics-port", str(self.metrics_port), "--give-up-s", "300"]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen([*HEADSTART, "stream", *self.words, *port], stdout=log, stderr=log)

    def n_answered(self) -> int:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended: {(self.folder / 'worker.log').read_text()[-2000:]}")
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            found = re.findall(r"^headstart_stream_records_total\{.*\} (\S+)$", answer.read().decode(), re.MULTILINE)
            return int(sum(map(float, found)))
        return 0

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def end(self) -> int:
        """Tell it to end, as a person does."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


@dataclass
class Case:
    """One row of the table."""

    folder: Path
    bundle: Path
    name: str
    output: str
    fault: str
    n_records: int
    n_before: int = 0

    def run(self) -> bool:
        """Run it, print the row, and tell whether something was lost, or doubled where doubles are dropped."""
        self.folder.mkdir(parents=True)
        self.broker = OwnBroker(self.name, self.folder / "broker")
        started = time.monotonic()
        self.broker.start()
        disk = self._small_disk() if self.fault == "disk" else None
        try:
            if self.fault == "disk" and disk is None:
                print(f"{self.name:<10}{self.output:<8}{self.fault:<8}no file system can be mounted here")
                return False
            with CuttingProxy(self.broker.port) as proxy:
                counts = self._stream(proxy, disk)
        finally:
            with suppress(ProcessLookupError):
                self.broker.stop()
            if disk is not None:
                subprocess.run(["umount", "-l", str(disk)], check=False)
        wanted = {str(i) for i in range(self.n_records)}
        n_lost, n_doubled = len(wanted - counts.keys()), sum(counts.values()) - len(counts)
        seconds = time.monotonic() - started
        row = f"{self.name:<10}{self.output:<8}{self.fault:<8}{self.n_records:>8}{self.n_before:>10}{n_lost:>6}{n_doubled:>9}{seconds:>9.0f}"
        print(row, flush=True)
        return bool(n_lost or (n_doubled and (self.output != "self" or self.name in _DROPS_DOUBLES)))

    def _stream(self, proxy: CuttingProxy, disk: Path | None) -> Counter[str]:
        asyncio.run(self._prepare())
        via = proxy.port if self.name != "kafka" else self.broker.port
        create: dict[str, Any] = {} if self.name == "mqtt" else {"create": "1"}
        out = {
            "self": self.broker.url("out", port=via, **create, **self._outlet_options()),
            "sqlite": f"sqlite://{self.folder}/out.db",
            "file": f"{disk or self.folder}/out.jsonl",
        }[self.output]
        words = [str(self.bundle), "--from", self.broker.url("in", port=via, **create), "--to", out]
        worker = Worker(words, self.folder)
        worker.start()
        try:
            self._wait_for(worker, 0.2)
            self.n_before = worker.n_answered()
            {"broker": self._stop_broker, "worker": self._kill_worker, "cut": self._cut, "disk": self._fill}[
                self.fault
            ](worker, proxy, disk)
            counts = self._counts(worker, disk)
            if status := worker.end():
                print(f"the worker ended with {status}: {(self.folder / 'worker.log').read_text()[-500:]}")
        finally:
            worker.kill()
        return counts

    def _outlet_options(self) -> dict[str, Any]:
        return {"idempotence": "0"} if self.name == "kafka" else {}

    def _wait_for(self, worker: Worker, share: float) -> None:
        wait_until(lambda: worker.n_answered() >= share * self.n_records, seconds=_LIMIT_S, what="answering")

    def _stop_broker(self, _worker: Worker, _proxy: CuttingProxy, _disk: Path | None) -> None:
        self.broker.stop()
        time.sleep(1.5)
        self.broker.start()

    def _kill_worker(self, worker: Worker, _proxy: CuttingProxy, _disk: Path | None) -> None:
        worker.kill()
        worker.start()

    def _cut(self, worker: Worker, proxy: CuttingProxy, _disk: Path | None) -> None:
        for share in (0.2, 0.4, 0.6):
            self._wait_for(worker, share)
            proxy.cut()

    def _fill(self, _worker: Worker, _proxy: CuttingProxy, disk: Path | None) -> None:
        assert disk is not None
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        time.sleep(3)
        (disk / "filler").unlink()

    def _small_disk(self) -> Path | None:
        """A file system of its own, so that no other file suffers when it is full."""
        place = self.folder / "disk"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=False, capture_output=True
        )
        return place if done.returncode == 0 else None

    async def _prepare(self) -> None:
        """Make both queues, and fill the first; a topic of MQTT keeps what comes after its reader has been there."""
        create = "?create=1" if self.name != "mqtt" else ""
        for queue in ("in", "out"):
            inlet = inlet_of(self.broker.url(queue) + create)
            await inlet.open()
            await inlet.close()
        options: dict[str, Any] = {**({} if self.name == "mqtt" else {"create": "1"}), **self._outlet_options()}
        outlet = outlet_of(self.broker.url("in", **options))
        await outlet.open()
        for start in range(0, self.n_records, 500):
            numbers = range(start, min(start + 500, self.n_records))
            await outlet.send([Output(key=str(i), value={"text": f"parcel {i} is late again"}) for i in numbers])
        await outlet.close()

    def _counts(self, worker: Worker, disk: Path | None) -> Counter[str]:
        """How often each number is in the output, when nothing comes any more."""
        if self.output == "self":
            return asyncio.run(self._read_output())
        last, since = -1, time.monotonic()
        while time.monotonic() < since + _IDLE_S and last < self.n_records:
            found = self._stored(disk)
            if sum(found.values()) != last:
                last, since = sum(found.values()), time.monotonic()
            time.sleep(0.5)
        time.sleep(1)
        worker.n_answered()
        return self._stored(disk)

    def _stored(self, disk: Path | None) -> Counter[str]:
        if self.output == "file":
            text = ((disk or self.folder) / "out.jsonl").read_text()
            lines = text[: text.rfind("\n") + 1].splitlines()  # the last one may be in the making
            return Counter(json.loads(line)["key"] for line in lines)
        with sqlite3.connect(self.folder / "out.db") as connection:
            return Counter(str(key) for (key,) in connection.execute("SELECT key FROM answers"))

    async def _read_output(self) -> Counter[str]:
        inlet, counts = inlet_of(self.broker.url("out")), Counter[str]()
        await _open(inlet)
        heard = time.monotonic()
        while time.monotonic() < heard + (4 if len(counts) == self.n_records else _IDLE_S):
            try:
                deliveries = await inlet.receive(500, 0.5)
                await inlet.acknowledge(deliveries)
            except ServiceError:
                await inlet.close()
                await _open(inlet)
                continue
            if deliveries:
                heard = time.monotonic()
            counts.update(delivery.record.key for delivery in deliveries if delivery.record)
        await inlet.close()
        return counts


async def _open(inlet: Inlet) -> None:
    """Open it as soon as the broker answers again."""
    end = time.monotonic() + 120
    while True:
        try:
            await inlet.open()
        except ServiceError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()
