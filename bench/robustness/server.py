"""Can a server be held up? Unfriendly clients, and beside each an innocent one that must hardly notice.

Each probe (bench/robustness/server_probes.py) runs in several threads against a server of its own: once against one without tokens, once
against one with a token that the probe does not have. Beside it an innocent client asks a text and a small photo in turn, each over a new
connection. Must hold: the innocent are all answered, their p99 stays below 1 s, the server takes less than 600 MB beyond what it
took when ready, and SIGTERM in the midst of it ends the server with 0 within --timeout-s and 5 s.
Run: .venv/bin/python -m bench.robustness.server [--only C1,C4] [--seconds 6]
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import headstart
from bench.options import names, parse, parser_of
from bench.robustness.costly_images import encoded
from bench.robustness.killing import lay_out
from bench.robustness.server_probes import JSON, PHOTO, PROBES, TEXT, Target
from bench.speed.server_process import running, serve_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MEMORY_MB = 600
TIMEOUT_S = 20
STOP_S = TIMEOUT_S + 5
TOKEN = "a-token-of-the-innocent"
SOURCES = {"texts": "potion-base-8m", "photos": "efficientnet-lite0"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", type=names, default=list(PROBES), help=f"of {', '.join(PROBES)}")
    parser.add_argument("--probes", type=int, default=99, help="how many of each")
    parser.add_argument("--seconds", type=float, default=6, help="of each probe")
    parser.add_argument("--threads", type=int, default=3, help="that probe at the same time")
    parser.add_argument(
        "--p99", type=float, default=1.0, help="seconds that 99 of 100 innocent requests may take at most"
    )
    parser.add_argument("--keep", type=Path, help="folder that has the two bundles, or gets them")
    options = parse(parser, probes=1, seconds=1.5, threads=1, p99=15.0)  # whatever else the machine does
    with tempfile.TemporaryDirectory() as folder:
        models = bundles(options.keep or Path(folder))
        print(
            f"{'':<4}{'probe':<36}{'token':<7}{'asked':>6}{'failed':>7}{'p99 s':>7}{'longest':>8}{'+ MB':>6}{'end s':>7}"
        )
        cases = [
            (point, name, token)
            for point in options.only
            for name in [*PROBES[point]][: options.probes]
            for token in ("", TOKEN)
        ]
        n_wrong = sum(not judge(models, *case, options) for case in cases)
    print(f"{len(cases) - n_wrong} of {len(cases)} within the bounds")
    sys.exit(bool(n_wrong))


def bundles(folder: Path) -> list[str]:
    """A model of texts and one of photos, as arguments of the server."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"--keep {folder} is no folder that can be made ({error.strerror}). Give another one.")
    made = {kind: folder / f"{kind}-model" for kind in SOURCES}
    missing = [kind for kind, path in made.items() if not path.exists()]
    for kind, data in lay_out(folder, missing, n_texts=200, photos_per_class=4).items():
        headstart.fit(data, out=made[kind], source=SOURCES[kind], tune="none", baselines="none", progress=None)
    return [f"text={made['texts']}", f"photo={made['photos']}"]


@dataclass
class Innocent:
    """A client that asks a text and a small photo in turn."""

    port: int
    token: str
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        requests = [
            (TEXT, json.dumps({"items": ["Where is Rome?"]}).encode(), JSON),
            (PHOTO, encoded("JPEG", "RGB", 256), "image/jpeg"),
        ]
        while not self.is_over.wait(0.02):
            started = time.perf_counter()
            with contextlib.suppress(IndexError):
                self._ask(*requests[len(self.seconds) % 2])
            self.seconds.append(time.perf_counter() - started)

    def _ask(self, path: str, body: bytes, content_type: str) -> None:
        headers = {"content-type": content_type, "authorization": f"Bearer {self.token}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            if reply.status != 200:
                self.failures.append(f"{reply.status} {reply.read()[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()


def judge(models: list[str], point: str, name: str, token: str, options: argparse.Namespace) -> bool:
    """Run one probe and print what came of it; tell whether all bounds hold."""
    command = serve_command(*models, options=["--timeout-s", str(TIMEOUT_S)])
    with running(command, HEADSTART_TOKEN=token) as (port, process):
        wait_until_ready(port)
        before_mb = memory_mb(process, "VmRSS")
        innocent, target = Innocent(port, token), Target(port)
        threads = [threading.Thread(target=innocent.run)]
        threads += [threading.Thread(target=repeat, args=(PROBES[point][name], target)) for _ in range(options.threads)]
        for thread in threads:
            thread.start()
        time.sleep(options.seconds)
        innocent.is_over.set()
        threads[0].join()
        more_mb = memory_mb(process, "VmHWM") - before_mb
        end_s = end(process)
        target.is_over.set()
        for thread in threads[1:]:
            thread.join()
    p99_s, longest_s = np.quantile(innocent.seconds, 0.99), max(innocent.seconds)
    is_held = not innocent.failures and p99_s < options.p99 and more_mb < MEMORY_MB and end_s < STOP_S
    print(
        f"{point:<4}{name:<36}{'yes' if token else 'no':<7}{len(innocent.seconds):>6}{len(innocent.failures):>7}{p99_s:>7.2f}"
        f"{longest_s:>8.2f}{more_mb:>6.0f}{end_s:>7.1f}{'' if is_held else '  EXCEEDED ' + ' '.join(innocent.failures[:1])}",
        flush=True,
    )
    return bool(is_held)


def repeat(probe: Callable[[Target], None], target: Target) -> None:
    """Run a probe again and again, whatever becomes of its connections."""
    while not target.is_over.is_set():
        with contextlib.suppress(OSError):
            probe(target)


def wait_until_ready(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    sys.exit("the server is not ready after a minute")


def memory_mb(process: int, key: str) -> float:
    """Memory of a process: `VmRSS`, or `VmHWM`, its peak."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{key}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def end(process: int) -> float:
    """Send SIGTERM, and give the seconds until the process has ended."""
    started = time.perf_counter()
    os.kill(process, signal.SIGTERM)
    state = Path(f"/proc/{process}/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "Z" and time.perf_counter() - started < 3 * STOP_S:
        time.sleep(0.02)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
