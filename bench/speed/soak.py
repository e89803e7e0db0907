"""Does a server stay as fast as it is, and what memory does it take over time? All models in one server, at 80 % of what it can.

`--memory` measures the proportional memory of 1, 2 and 4 workers instead.
Run: .venv/bin/python -m bench.speed.soak [--minutes 10] [--memory]
"""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.options import names, parse, parser_of
from bench.speed.clients import ask, body_of, items_of, load
from bench.speed.serve import KINDS, bundle_of
from bench.speed.server_process import proportional_mib, running, serve_command

N_CLIENTS = 8
SHARE = 0.8


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only", type=names, default=list(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--bundles", type=Path, help="folder that has the bundles, or gets them")
    options = parse(parser, only=["static"], minutes=0.05)
    with tempfile.TemporaryDirectory() as folder:
        bundles = {kind: bundle_of(kind, options.bundles or Path(folder)) for kind in options.only}
        if options.memory:
            measure_memory(bundles)
        else:
            soak(bundles, options.minutes)


@dataclass
class Traffic:
    """What a run of clients saw: answers by model, errors, and the server's memory each 10 s."""

    answers: dict[str, int]
    errors: list[str] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)


def soak(bundles: dict[str, Path], minutes: float) -> None:
    with running(serve_command(*(f"{kind}={path}" for kind, path in bundles.items()))) as (port, process):
        closed_s = min(20.0, 60 * minutes)
        rate = sum(traffic(port, process, bundles, closed_s, pause=0.0).answers.values()) / closed_s
        print(
            f"closed loop of {N_CLIENTS} clients: {rate:.0f} requests a second; now {SHARE * rate:.0f} for {minutes:g} minutes",
            flush=True,
        )
        found = traffic(port, process, bundles, 60 * minutes, pause=N_CLIENTS / (SHARE * rate))
    n_answers, memory_mib = sum(found.answers.values()), found.memory_mib
    later = memory_mib[len(memory_mib) // 4 :]
    slope = 6 * np.polyfit(range(len(later)), later, 1)[0] if len(later) > 1 else 0.0
    print(
        f"{n_answers} answers ({found.answers}), {n_answers / (60 * minutes):.0f}/s, {len(found.errors)} errors {found.errors[:3]}"
    )
    print(
        f"memory (proportional): {memory_mib[0]:.0f} MiB at the start, {later[0]:.0f} after a quarter, {later[-1]:.0f} at the end, "
        f"most {max(memory_mib):.0f}; slope after the first quarter {slope:+.2f} MiB a minute"
    )


def traffic(port: int, process: int, bundles: dict[str, Path], seconds: float, *, pause: float) -> Traffic:
    """Eight clients, each asking the models in turn at even times."""
    found = Traffic(dict.fromkeys(bundles, 0))
    bodies = {kind: [body_of([item]) for item in items_of(kind)] for kind in bundles}
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_client, args=(port, bodies, found, number, end, pause)) for number in range(N_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        found.memory_mib.append(proportional_mib(process))
        time.sleep(min(10.0, max(0.0, end - time.monotonic())))
    for thread in threads:
        thread.join()
    return found


def _client(port: int, bodies: dict[str, list[bytes]], found: Traffic, number: int, end: float, pause: float) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    due, turn, kinds = time.monotonic() + pause * number / N_CLIENTS, number, list(bodies)
    while due < end and time.monotonic() < end:
        time.sleep(max(0.0, due - time.monotonic()))
        kind = kinds[turn % len(kinds)]
        body = bodies[kind][turn // len(kinds) % len(bodies[kind])]
        try:
            ask(connection, body, f"/v1/models/{kind}/predict")
            found.answers[kind] += 1
        except (OSError, AssertionError, http.client.HTTPException) as error:
            found.errors.append(repr(error))
            connection.close()
        turn += 1
        due = max(due + pause, time.monotonic() - 1.0)


def measure_memory(bundles: dict[str, Path]) -> None:
    for kind, path in bundles.items():
        for n in (1, 2, 4):
            with running(serve_command(f"m={path}", workers=n)) as (port, process):
                load(port, process, items_of(kind), 16, 3)
                print(f"{kind}, {n} workers: {proportional_mib(process):.0f} MiB in all", flush=True)


if __name__ == "__main__":
    main()
