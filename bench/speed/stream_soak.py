"""Does a stream stay as fast and as small as it is, and how soon is it back when it was killed? A table model, windows and a watch on.

The largest rate: the publisher keeps a few batches waiting. Then ten minutes at 80 % of it: each 10 s the memory of the stream's processes,
the size of its state (`--state` and `--watch`) and how many records wait. Then SIGKILL while records keep coming, and another
start: seconds until an output comes that was not there before (goal 2 s); in the end every record must be there once. Publisher and collector run on the same cores.
Run: .venv/bin/python -m bench.speed.stream_soak [--minutes 10] [--places sqlite,redis]
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.options import names, parse, parser_of
from bench.speed.server_process import processor_s, proportional_mib
from bench.speed.stream import (
    BATCH,
    Stream,
    answers,
    bundle_of,
    command_of,
    percentiles,
    sent_ns,
    stream_of,
    taken,
    touch,
)
from headstart.streaming.address import Address
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.record import Output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

SHARE = 0.8
WAITING = 8 * BATCH
GOAL_S = 2.0
_SAMPLE_S = 10.0
_QUIET_S = 1.0
_PATIENCE_S = 180.0


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=30, help="of a measurement of the largest rate")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--places", type=names, default=["sqlite", "redis"], help="those that answer are measured")
    options = parse(parser, minutes=0.05, seconds=1, kills=1, places=["sqlite"])
    with tempfile.TemporaryDirectory() as name:
        bundle, rows = bundle_of("tables", Path(name))
        for place in options.places:
            if answers(place):
                asyncio.run(soak(place, bundle, rows, options, Path(name) / place))
            else:
                print(f"{place}: does not answer here, or its library is not installed")


@dataclass
class Traffic:
    """What is published and what came out, by the number in each key.

    Attributes
    ----------
    rate : records a second; None to keep `WAITING` records waiting
    has_ended : whether nothing more is to be published
    latencies_ns : of what came out since they were last taken
    """

    rows: Sequence[dict[str, str]]
    rate: float | None = None
    has_ended: bool = False
    n_published: int = 0
    came: Counter[int] = field(default_factory=Counter)
    latencies_ns: list[int] = field(default_factory=list)
    last_new_s: float = 0.0

    @property
    def n_waiting(self) -> int:
        return self.n_published - len(self.came)

    async def publish(self, outlet: Any) -> None:
        """Publish until it is to end, what is due together at once."""
        started, first, rate = time.perf_counter(), self.n_published, self.rate
        while not self.has_ended:
            if rate != self.rate:
                started, first, rate = time.perf_counter(), self.n_published, self.rate
            if rate is None:
                n_due = WAITING - self.n_waiting
            else:
                n_due = first + int((time.perf_counter() - started) * rate) + 1 - self.n_published
            if n_due <= 0:
                await asyncio.sleep(0.002)
                continue
            numbers = range(self.n_published, self.n_published + min(n_due, 500))
            made: list[dict[str, Any]] = [
                {**self.rows[i % len(self.rows)], "id": f"{i}:{time.time_ns()}", "at": time.time()} for i in numbers
            ]
            await outlet.send([Output(key=one["id"], value=one) for one in made])
            self.n_published = numbers.stop
            await asyncio.sleep(0)

    async def collect(self, inlet: Any) -> None:
        """Collect outputs until it is cancelled."""
        while True:
            for one in await taken(inlet, 0.2):
                number = int(str(one["key"]).partition(":")[0])
                if number not in self.came:
                    self.last_new_s = time.perf_counter()
                    self.latencies_ns.append(time.time_ns() - sent_ns(one))
                self.came[number] += 1

    async def silence(self) -> None:
        """Wait until nothing comes any more of a stream that has ended."""
        began = time.perf_counter()
        while time.perf_counter() < max(began, self.last_new_s) + _QUIET_S:
            await asyncio.sleep(0.05)

    async def empty(self) -> None:
        """Wait until everything that was published has come out."""
        end = time.perf_counter() + _PATIENCE_S
        while self.n_waiting:
            if time.perf_counter() > end:
                raise TimeoutError(f"{self.n_waiting} of {self.n_published} did not come out in {_PATIENCE_S:.0f} s")
            await asyncio.sleep(0.05)


async def soak(
    place: str, bundle: Path, rows: Sequence[dict[str, str]], options: argparse.Namespace, folder: Path
) -> None:
    folder.mkdir()
    stream, traffic = stream_of(place, folder), Traffic(rows)
    await touch(stream)
    outlet, inlet = outlet_of(stream.publish), inlet_of(stream.collect)
    await outlet.open()
    await inlet.open()
    kept = [folder / "state", folder / "watch"]
    windows = [
        "--window",
        "10s",
        "--window-time",
        "at",
        "--window-lateness",
        "1s",
        "--windows-to",
        str(folder / "windows"),
    ]
    looked_on = ["--state", str(kept[0]), "--watch", str(kept[1]), *windows]
    try:
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(traffic.publish(outlet))
            collecting = tasks.create_task(traffic.collect(inlet))
            with started(command_of(bundle, stream.read, stream.write)):
                plain = await largest_rate(traffic, options.seconds)
            await traffic.silence()
            command = command_of(bundle, stream.read, stream.write, *looked_on)
            with started(command) as process:
                rate = await largest_rate(traffic, options.seconds)
                print(
                    f"{place}: at most {plain:,.0f} records/s, {rate:,.0f} with windows and a watch; "
                    f"now {SHARE * rate:,.0f} for {options.minutes:g} minutes",
                    flush=True,
                )
                traffic.rate = SHARE * rate
                await under_load(traffic, process.pid, kept, options.minutes)
                process.kill()
            for _ in range(options.kills):
                await killed(traffic, command)
            with started(command):
                traffic.has_ended = True
                await publishing
                await traffic.empty()
                await asyncio.sleep(_QUIET_S)
            collecting.cancel()
        n_lost, n_doubled = traffic.n_waiting, traffic.came.total() - len(traffic.came)
        print(f"  {traffic.n_published:,} records in all: {n_lost} lost, {n_doubled} doubled", flush=True)
    finally:
        await outlet.close()
        await inlet.close()
        await forget(place, stream)


async def largest_rate(traffic: Traffic, seconds: float) -> float:
    """Records a second, some always waiting, from the first output on."""
    traffic.rate = None
    before, end = len(traffic.came), time.perf_counter() + _PATIENCE_S
    while len(traffic.came) == before:
        if time.perf_counter() > end:
            raise TimeoutError("nothing came out")
        await asyncio.sleep(0.01)
    before, started_s = len(traffic.came), time.perf_counter()
    await asyncio.sleep(seconds)
    return (len(traffic.came) - before) / (time.perf_counter() - started_s)


async def under_load(traffic: Traffic, pid: int, kept: Sequence[Path], minutes: float) -> None:
    """Go on at the rate, and print what it takes each minute and as a whole."""
    before, began = len(traffic.came), time.perf_counter()
    traffic.latencies_ns.clear()
    samples: list[tuple[float, ...]] = []
    n_samples = max(2, round(60 * minutes / _SAMPLE_S))
    for i in range(n_samples):
        await asyncio.sleep(60 * minutes / n_samples)
        sizes = [sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 2**10 for folder in kept]
        p50, p99 = percentiles(traffic.latencies_ns or [0])
        traffic.latencies_ns.clear()
        samples.append((proportional_mib(pid), *sizes, traffic.n_waiting, p50, p99))
        if (i + 1) % 6 == 0 or i + 1 == n_samples:
            memory, state, watch, waiting, p50, p99 = samples[-1]
            print(
                f"  {(time.perf_counter() - began) / 60:5.1f} min: {memory:6.1f} MiB, state {state:,.0f} KiB, watch {watch:,.0f} KiB, "
                f"{waiting:,.0f} wait, p50 {p50:,.0f} ms, p99 {p99:,.0f} ms",
                flush=True,
            )
    table = np.array(samples)
    later = table[len(table) // 4 :]
    a_minute = 60 / (60 * minutes / n_samples)
    slopes = [a_minute * np.polyfit(range(len(later)), later[:, i], 1)[0] if len(later) > 1 else 0.0 for i in range(3)]
    print(
        f"  {(len(traffic.came) - before) / (time.perf_counter() - began):,.0f} records/s came out; most memory {table[:, 0].max():.1f} MiB, "
        f"most waiting {table[:, 3].max():,.0f}; p50 {np.median(table[:, 4]):,.0f} ms (median), p99 {np.median(table[:, 5]):,.0f} ms\n"
        f"  after the first quarter, a minute: memory {slopes[0]:+.2f} MiB, state {slopes[1]:+.1f} KiB, watch {slopes[2]:+.1f} KiB",
        flush=True,
    )


async def killed(traffic: Traffic, command: Sequence[str]) -> None:
    """Start anew after a kill, print how long that takes, and kill it again after a while."""
    await traffic.silence()
    began = time.perf_counter()
    with started(command) as process:
        while traffic.last_new_s < began:
            if time.perf_counter() > began + _PATIENCE_S:
                raise TimeoutError("nothing came out after the kill")
            await asyncio.sleep(0.005)
        took_s, worked_s = traffic.last_new_s - began, processor_s(process.pid)
        said = "goal met" if took_s <= GOAL_S else f"goal {GOAL_S:g} s missed"
        print(
            f"  killed and started again: {took_s:.2f} s to the first new output, {worked_s:.2f} s of processor time ({said})",
            flush=True,
        )
        await asyncio.sleep(_QUIET_S)
        process.kill()


@contextlib.contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A stream until the block ends; one that ended by itself is an error."""
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            status = process.poll()
            process.terminate()
            process.wait(_PATIENCE_S)
        if status not in {None, -9}:
            log.seek(0)
            raise RuntimeError(f"the stream ended with {status}: {log.read().decode()[-500:]}")


async def forget(place: str, stream: Stream) -> None:
    """Remove what the broker holds: half a million records of a run are no use to the next."""
    if place != "redis":
        return
    from redis.asyncio import Redis

    address = Address.parse(stream.read)
    client = Redis(host=address.host, port=address.port or 6379)
    for one in (stream.read, stream.write):
        name = Address.parse(one).path.strip("/")
        await client.unlink(name, f"{{{name}}}:keys")
    await client.aclose()


if __name__ == "__main__":
    main()
