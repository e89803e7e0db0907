"""How many records a second does a stream answer, and how long is it from publishing to the output?

A text and a table, through a pipe, SQLite and each broker that answers on its usual port (`HEADSTART_NATS` and the like name others). Rate: all
records are there before the stream starts, and the place that is written to is asked how many answers it has; the time is that of the middle eight tenths. Latency: records are published at a
third of that rate, `--latency-ms 1`; p50 and p99 from publishing to the output having come back to who published, so that the publisher's and
the collector's own work on the same cores is in it. Beside them: the bare session on batches that were prepared before, prepare and run in one process without a stream, and
river's own loop (a linear model that learns nothing here: `predict_one` of each record, where river is installed).
Two workers: goal 1.8 × the rate of one. Before the places, what watching costs: the rate through SQLite without and with `--watch`, in turns, and their ratio. Run: .venv/bin/python -m bench.speed.stream
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import secrets
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import headstart
from bench.demos import demo_folder
from bench.options import names, parse, parser_of
from bench.processes import HEADSTART
from bench.speed.answered import counter_of
from headstart.core import registry
from headstart.core.errors import HeadstartError
from headstart.data.payloads import pick
from headstart.streaming.address import Address
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.connector import EndOfStream
from headstart.streaming.reading import value_of
from headstart.streaming.record import Output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from bench.speed.answered import Count

KINDS = {"texts": "sms-spam", "tables": "churn"}
BROKERS = {
    "nats": ("HEADSTART_NATS", "nats://127.0.0.1:4222", "?create=1"),
    "redis": ("HEADSTART_REDIS", "redis://127.0.0.1:6379", "?create=1"),
    "amqp": ("HEADSTART_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672", "?create=1"),
    "mqtt": ("HEADSTART_MQTT", "mqtt://127.0.0.1:1883", ""),
    "kafka": ("HEADSTART_KAFKA", "kafka://127.0.0.1:9092", "?create=1"),
}
KEPT = {"mqtt": 900}  # Mosquitto keeps 1,000 for a session that is away, unless it is told otherwise
BATCH = 64
PATIENCE_S = 60.0
GOAL = 1.8


@dataclass(frozen=True)
class Stream:
    """Addresses of one measurement: where records are published, whence the stream reads, where it writes, whence outputs are collected."""

    publish: str
    read: str
    write: str
    collect: str


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--records", type=int, default=30_000, help="of a measurement of the rate")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a measurement of the latency")
    parser.add_argument("--only", type=names, default=list(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument(
        "--places", type=names, default=["pipe", "sqlite", *BROKERS], help="those that answer are measured"
    )
    parser.add_argument("--turns", type=int, default=3, help="of a measurement without and with a watch")
    options = parse(parser, turns=1, records=600, seconds=0.5, only=["texts"], places=["pipe", "sqlite"])
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.only:
            measure(kind, options, Path(folder))


def measure(kind: str, options: argparse.Namespace, folder: Path) -> None:
    bundle, rows = bundle_of(kind, folder)
    records = [rows[i % len(rows)] for i in range(options.records)]
    print(f"{kind}: {KINDS[kind]}, {len(records):,} records, batches of {BATCH}")
    beside(bundle, records)
    watching(bundle, records, folder, options.turns)
    for place in options.places:
        if place != "pipe" and not answers(place):
            print(f"  {place:<8} does not answer here, or its library is not installed")
            continue
        try:
            measure_place(place, bundle, records, options.seconds, folder)
        except (HeadstartError, AssertionError, TimeoutError) as error:
            print(f"  {place:<8} failed: {error}")


def measure_place(place: str, bundle: Path, records: Sequence[Any], seconds: float, folder: Path) -> None:
    if place == "pipe":
        rate = pipe_rate(bundle, records)
        p50, p99 = pipe_latency(bundle, records, rate / 3, seconds)
        print(f"  {place:<8} {rate:8,.0f} records/s; at a third of it p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        return
    kept = records[: KEPT.get(place, len(records))]
    rate = asyncio.run(rate_of(stream_of(place, folder), bundle, kept, 1))
    p50, p99 = asyncio.run(latency_of(stream_of(place, folder), bundle, records, rate / 3, seconds))
    print(f"  {place:<8} {rate:8,.0f} records/s of {len(kept):,}; at a third of it p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    two = asyncio.run(rate_of(stream_of(place, folder), bundle, kept, 2))
    said = "goal met" if two / rate >= GOAL else f"goal {GOAL} missed"
    print(f"  {'':<8} {two:8,.0f} records/s by two workers, {two / rate:.2f} × ({said})")


def bundle_of(kind: str, folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """Fit once, and give the rows of the table without the label."""
    data = demo_folder(KINDS[kind])
    out = folder / kind
    source = "wordllama-256" if kind == "texts" else "none"
    headstart.fit(
        data, out=out, source=source, baselines="none" if kind == "texts" else "simple", tune="none", progress=None
    )
    (table,) = data.glob("*.csv")
    with table.open(newline="") as file:
        rows = [dict(row) for row, _ in zip(csv.DictReader(file), range(2_000), strict=False)]
    model = headstart.load_bundle(out)
    wanted = [field.name for field in model.fields] if len(model.fields) > 1 else [model.input_column]
    return out, [{name: row[name] for name in wanted} for row in rows]


# beside


def beside(bundle: Path, records: Sequence[Any]) -> None:
    """What the same records cost without a stream."""
    model = headstart.load_bundle(bundle)
    items = [model.reads.receive(pick(one, model.reads, model.input_column)) for one in records]
    parts = [items[i : i + BATCH] for i in range(0, len(items), BATCH)]
    prepared = [model.input.transform(part) for part in parts]
    print(f"  {'bare session':<28} {timed(len(items), lambda: [model.run(one) for one in prepared]):10,.0f} records/s")
    loop = timed(len(items), lambda: [model.run(model.input.transform(part)) for part in parts])
    print(f"  {'prepare and run, no stream':<28} {loop:10,.0f} records/s")
    if find_spec("river") is None:
        print(f"  {'river':<28} is not installed")
        return
    print(f"  {'river, predict_one':<28} {timed(len(items), lambda: river_loop(records)):10,.0f} records/s")


def river_loop(records: Sequence[Any]) -> None:
    """River's own loop: bag of words or scaled numbers and categories, then a linear model."""
    from river import compose, feature_extraction, linear_model, preprocessing

    is_text = len(records[0]) == 1
    (field,) = records[0] if is_text else ("",)
    model: Any
    if is_text:
        model = feature_extraction.BagOfWords(on=field) | linear_model.LogisticRegression()
    else:
        numbers = compose.SelectType(float) | preprocessing.StandardScaler()
        model = (
            numbers + (compose.SelectType(str) | preprocessing.OneHotEncoder())
        ) | linear_model.LogisticRegression()
    for one in records:
        model.predict_one(one if is_text else {name: number_of(cell) for name, cell in one.items()})


def number_of(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def timed(n: int, work: Callable[[], Any], turns: int = 3) -> float:
    """Items a second, the median of some turns after one that warms up."""
    seconds = []
    for _ in range(turns + 1):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return n / statistics.median(seconds[1:])


# watched


def watching(bundle: Path, records: Sequence[Any], folder: Path, turns: int) -> None:
    """The rate by one worker and two without and with a watch, the medians of some turns."""
    for n_workers in (1, 2):
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(turns):
            for is_watched, found in rates.items():
                watch = ("--watch", str(folder / secrets.token_hex(4))) if is_watched else ()
                found.append(asyncio.run(rate_of(stream_of("sqlite", folder), bundle, records, n_workers, *watch)))
        plain, watched = (statistics.median(found) for found in rates.values())
        said = f"{watched:,.0f} records/s watched, {plain:,.0f} not: {watched / plain:.2f} ×"
        print(f"  {'watch':<8} {said}, {n_workers} worker{'s' * (n_workers > 1)}, sqlite")


# a pipe


def pipe_rate(bundle: Path, records: Sequence[Any]) -> float:
    with running(bundle, "-", "-", pipes=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer = threading.Thread(target=write_all, args=(process.stdin, lines_of(records)))
        writer.start()
        process.stdout.readline()
        started = time.perf_counter()
        n = sum(1 for _ in process.stdout)
        writer.join()
    assert n + 1 == len(records), f"{n + 1} of {len(records)} came out"
    return n / (time.perf_counter() - started)


def write_all(pipe: Any, lines: Sequence[str]) -> None:
    pipe.writelines(lines)
    pipe.close()


def pipe_latency(bundle: Path, records: Sequence[Any], rate: float, seconds: float) -> tuple[float, float]:
    found: list[float] = []
    with running(bundle, "-", "-", "--latency-ms", "1", pipes=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def collect() -> None:
            assert process.stdout is not None
            found.extend(time.time_ns() - sent_ns(json.loads(line)) for line in process.stdout)

        process.stdin.write(lines_of(records[:1])[0])  # it is ready when this is answered
        process.stdin.flush()
        process.stdout.readline()
        reader = threading.Thread(target=collect)
        reader.start()
        for one in paced(records, rate, seconds):
            process.stdin.write(json.dumps(one) + "\n")
            process.stdin.flush()
        process.stdin.close()
        reader.join()
    return percentiles(found)


def lines_of(records: Sequence[Any]) -> list[str]:
    return [json.dumps({**one, "id": f"{i}:{time.time_ns()}"}) + "\n" for i, one in enumerate(records)]


def paced(records: Sequence[Any], rate: float, seconds: float) -> Iterator[dict[str, Any]]:
    """Records with the time in their key, at a steady rate."""
    started = time.perf_counter()
    for i in range(max(2, round(rate * seconds))):
        late = started + i / rate - time.perf_counter()
        if late > 0:
            time.sleep(late)
        yield {**records[i % len(records)], "id": f"{i}:{time.time_ns()}"}


def sent_ns(answer: dict[str, Any]) -> int:
    return int(str(answer["key"]).partition(":")[2])


def percentiles(found: Sequence[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(found, [50, 99]) / 1e6
    return float(p50), float(p99)


# other places


def answers(place: str) -> bool:
    """Whether it is there, with what is needed to speak to it."""
    if place == "sqlite":
        return True
    if place not in registry.names("connectors"):
        return False
    address = Address.parse(os.environ.get(BROKERS[place][0], BROKERS[place][1]))
    try:
        outlet_of(broker_address(place, "probe"))
        socket.create_connection((address.host, address.port or 0), timeout=1).close()
    except (OSError, HeadstartError):
        return False
    return True


def broker_address(place: str, name: str) -> str:
    variable, usual, options = BROKERS[place]
    return f"{os.environ.get(variable, usual).rstrip('/')}/{name}{options}"


def stream_of(place: str, folder: Path) -> Stream:
    """Addresses that nobody has used before."""
    word = secrets.token_hex(4)
    if place == "sqlite":
        database = f"sqlite://{folder / f'{word}.db'}"
        answered = f"sqlite://{folder / f'{word}-out.db'}"
        return Stream(f"{database}?table=q", f"{database}?table=q&id=key", answered, f"{answered}?table=answers&id=key")
    came, went = broker_address(place, f"bench-{word}-in"), broker_address(place, f"bench-{word}-out")
    return Stream(came, came, went, went)


async def rate_of(stream: Stream, bundle: Path, records: Sequence[Any], n_workers: int, *words: str) -> float:
    """Records a second: everything is published before the stream starts, and counted where it is written."""
    await touch(stream)
    outlet = outlet_of(stream.publish)
    await outlet.open()
    made = [{**one, "id": f"{i}:0"} for i, one in enumerate(records)]
    for i in range(0, len(made), 500):
        await outlet.send([Output(key=one["id"], value=one) for one in made[i : i + 500]])
    await outlet.close()
    async with counter_of(stream.write) as count:
        with running(bundle, stream.read, stream.write, "--workers", str(n_workers), *words):
            seen = await (collected(stream.collect, len(made)) if count is None else counted(count, len(made)))
    (began_s, first), *_, (ended_s, last) = settled(seen, len(made))
    return (last - first) / (ended_s - began_s)


def settled(seen: Sequence[tuple[float, int]], n: int) -> list[tuple[float, int]]:
    """Counts without the first tenth, while other workers may still start, and without the last, when some have nothing left."""
    inner = [one for one in seen if 0.1 * n <= one[1] <= 0.9 * n]
    return inner if len(inner) > 1 else [one for one in seen if one[1]]


async def counted(count: Count, n: int) -> list[tuple[float, int]]:
    """How many answers there were and when, until all are there or for long enough."""
    seen, end = [(0.0, 0)], time.monotonic() + PATIENCE_S
    while seen[-1][1] < n and time.monotonic() < end:
        await asyncio.sleep(0.02)
        seen.append((time.perf_counter(), await count()))
    assert sum(one > 0 for _, one in seen) > 1, f"{seen[-1][1]} of {n} came out in {PATIENCE_S:.0f} s"
    return seen


async def collected(address: str, n: int) -> list[tuple[float, int]]:
    """The same where a place counts nothing."""
    inlet = inlet_of(address)
    await inlet.open()
    seen, end = [(0.0, 0)], time.monotonic() + PATIENCE_S
    while seen[-1][1] < n and time.monotonic() < end:
        came = len(await taken(inlet, 0.2))
        seen.append((time.perf_counter(), seen[-1][1] + came))
    await inlet.close()
    assert seen[-1][1] >= n, f"{seen[-1][1]} of {n} came out in {PATIENCE_S:.0f} s"
    return seen


async def latency_of(
    stream: Stream, bundle: Path, records: Sequence[Any], rate: float, seconds: float
) -> tuple[float, float]:
    await touch(stream)
    outlet, inlet = outlet_of(stream.publish), inlet_of(stream.collect)
    await outlet.open()
    await inlet.open()
    found: list[float] = []
    with running(bundle, stream.read, stream.write, "--latency-ms", "1"):
        await outlet.send([Output(key="first", value={**records[0], "id": "first:0"})])
        end = time.monotonic() + PATIENCE_S
        while not await taken(inlet, 0.2):
            assert time.monotonic() < end, "nothing came out"
        n = max(2, round(rate * seconds))
        publishing = asyncio.create_task(publish(outlet, records, rate, n))
        while len(found) < n and time.monotonic() < end + seconds:
            found += [time.time_ns() - sent_ns(one) for one in await taken(inlet, 0.2)]
        await publishing
    await outlet.close()
    await inlet.close()
    assert len(found) >= n, f"{len(found)} of {n} came out"
    return percentiles(found)


async def publish(outlet: Any, records: Sequence[Any], rate: float, n: int) -> None:
    """Publish at a steady rate, in the order of the records; those that are due together go together."""
    started, i = time.perf_counter(), 0
    while i < n:
        due = min(n, int((time.perf_counter() - started) * rate) + 1)
        if due > i:
            made = [{**records[j % len(records)], "id": f"{j}:{time.time_ns()}"} for j in range(i, due)]
            await outlet.send([Output(key=one["id"], value=one) for one in made])
            i = due
        await asyncio.sleep(1 / rate)


async def touch(stream: Stream) -> None:
    """Make what is needed at both ends: a broker keeps nothing for a consumer that it has never seen."""
    for read, write in ((stream.read, stream.publish), (stream.collect, stream.write)):
        for place in (outlet_of(write), inlet_of(read)):
            await place.open()
            await place.close()


async def taken(inlet: Any, timeout_s: float) -> list[dict[str, Any]]:
    with contextlib.suppress(EndOfStream):
        came = await inlet.receive(500, timeout_s)
        await inlet.acknowledge(came)
        found = [value_of(one.record.content, "application/json") for one in came]
        assert not any("error" in one for one in found), f"a record was not read: {found[0]}"
        return found
    return []


def command_of(bundle: Path, read: str, write: str, *words: str) -> list[str]:
    """`headstart stream`, with the keys that this bench gives its records."""
    places = ["--from", read, "--to", write, "--key", "id"]
    return [*HEADSTART, "stream", str(bundle), *places, *words, "--batch", str(BATCH)]


@contextlib.contextmanager
def running(bundle: Path, read: str, write: str, *words: str, pipes: bool = False) -> Iterator[subprocess.Popen[str]]:
    """`headstart stream` until the block ends."""
    command = command_of(bundle, read, write, *words)
    pipe = subprocess.PIPE if pipes else subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if not pipes:
                process.terminate()
        process.wait(PATIENCE_S)
        assert process.stderr is not None
        told = process.stderr.read()
        assert process.returncode == 0, told


if __name__ == "__main__":
    main()
