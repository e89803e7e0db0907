"""How fast does a server answer, beside the bare session and beside other servers; does it stay so, and what memory does it take?

For each bundle (photos on EfficientNet-Lite0, texts on a static and on a transformer source): wrk with 1, 8 and 32 clients,
one item a request, against `headstart serve`, a plain FastAPI handler that calls `Bundle.predictions`, and LitServe with the
same in batches. Goals: at one client p50 ≤ 1.2 × the raw session + 0.2 ms; with 32 clients ≥ 0.85 × the session in batches of
16. Both also with preparing (decode, resize; tokenize) counted to the session, which is measured before and after the servers
in the same run. The processor time of a request says what the cores could answer at most. A Python client checks the answers.

    .venv/bin/python bench/speed/serve.py                       # everything but the soak
    .venv/bin/python bench/speed/serve.py --soak 10             # minutes at 80 % of the throughput: errors, memory
    .venv/bin/python bench/speed/serve.py --memory              # proportional memory of 1, 2 and 4 workers

wrk comes from the system's packages (apt-get install wrk). LitServe from `--litserve DIR`, a folder that
`pip install --target DIR litserve` filled.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import headstart
from headstart.data import demo
from headstart.engines.threads import n_threads

KINDS = {"photos": ("groceries", "efficientnet-lite0"), "static": ("questions", "potion-base-8m"),
    "transformer": ("questions", "all-minilm-l6-v2")}  # fmt: skip
CLIENTS = (1, 8, 32)
BATCH = 16

FASTAPI = """
import sys, base64, uvicorn, headstart
from fastapi import FastAPI
model, app = headstart.load_bundle(sys.argv[1]), FastAPI()
@app.post("/v1/predict")
def predict(body: dict):
    items = body["items"] if model.modality == "text" else [base64.b64decode(one) for one in body["items"]]
    return {"predictions": [one.to_dict() for one in model.predictions(items)]}
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False, loop="uvloop", http="httptools")
"""
LITSERVE = """
import sys, base64, headstart, litserve
class API(litserve.LitAPI):
    def setup(self, device): self.model = headstart.load_bundle(sys.argv[1])
    def decode_request(self, request):
        item = request["items"][0]
        return item if self.model.modality == "text" else base64.b64decode(item)
    def predict(self, items): return self.model.predictions(items)
    def encode_response(self, answer): return {"predictions": [answer.to_dict()]}
if __name__ == "__main__":
    server = litserve.LitServer(API(max_batch_size=16, batch_timeout=0.002, api_path="/v1/predict"), accelerator="cpu")
    server.run(port=int(sys.argv[2]), log_level="error", generate_client_file=False)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--seconds", type=int, default=4, help="of each run of wrk")
    parser.add_argument("--litserve", default="", help="folder with LitServe")
    parser.add_argument("--only", choices=tuple(KINDS), action="append")
    parser.add_argument(
        "--bundles", type=Path, help="folder with photos/, static/, transformer/, made if it lacks them"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundles = {kind: bundle(kind, options.bundles or Path(folder)) for kind in options.only or KINDS}
        if options.memory:
            memory(bundles)
        elif options.soak:
            soak(bundles, options.soak)
        else:
            for kind, path in bundles.items():
                measure(kind, path, options)


def bundle(kind: str, folder: Path) -> Path:
    name, source = KINDS[kind]
    if not (folder / kind).exists():
        data = demo(name, Path("demo") / name)
        headstart.fit(data, out=folder / kind, source=source, baselines="none", progress=None)
    return folder / kind


def items_of(kind: str, n: int = 64) -> list:
    if kind == "photos":
        files = sorted(Path("demo/groceries/test").rglob("*.jpg"))
        return [path.read_bytes() for path in files[:: len(files) // n][:n]]
    import pandas as pd

    return pd.read_csv("demo/questions/questions.csv").iloc[:, 0].astype(str).tolist()[:n]


def body_of(items: list) -> bytes:
    return json.dumps(
        {"items": [one if isinstance(one, str) else base64.b64encode(one).decode() for one in items]}
    ).encode()


def measure(kind: str, path: Path, options: argparse.Namespace) -> None:
    items = items_of(kind)
    serve = [sys.executable, "-c", "from headstart.cli import main; main()", "serve", f"m={path}", "--quiet"]
    before = bare(path, items)
    commands = {
        "headstart serve": [*serve, "--port"],
        "with two workers": [*serve, "--workers", "2", "--port"],
        "plain FastAPI": [sys.executable, "-c", FASTAPI, str(path)],
        "LitServe": [sys.executable, script("litserve_api.py", LITSERVE), str(path)],
    }  # fmt: skip
    found = {}
    for name, command in commands.items():
        if name == "LitServe" and not options.litserve:
            print("  LitServe is left out: give --litserve DIR")
            continue
        with running(command, PYTHONPATH=options.litserve if name == "LitServe" else "") as (port, process):
            found[name] = {n: load(port, process, items, n, options.seconds) for n in CLIENTS}
            if name == "headstart serve":
                checked(port, path, items)
        for n, describe_plan in found[name].items():
            print(f"  {name:<16} {n:>2} clients: p50 {describe_plan['p50']:8.2f} ms, p95 {describe_plan['p95']:8.2f}, p99 {describe_plan['p99']:8.2f}, "
                  f"{describe_plan['rate']:7.0f}/s, {describe_plan['cpu']:6.2f} ms of processor time each, {describe_plan['errors']} errors")  # fmt: skip
    goals(kind, before, bare(path, items), found["headstart serve"])


def goals(kind: str, before: dict[str, float], after: dict[str, float], found: dict[int, dict[str, float]]) -> None:
    """Compare with the session by itself, in the mean of before and after."""
    raw = {name: (before[name] + after[name]) / 2 for name in before}
    drift = max(after[name] / before[name] for name in before), min(after[name] / before[name] for name in before)
    print(f"  {kind}, {n_threads()} threads: session alone {raw['one']:.3f} ms, with preparing {raw['one_prepared']:.3f} ms; "
          f"in batches of {BATCH} {raw['batch']:.0f}/s, with preparing {raw['batch_prepared']:.0f}/s; "
          f"after ÷ before {min(drift):.2f} to {max(drift):.2f}")  # fmt: skip
    for which, end in (("the session", ""), ("session and preparing", "_prepared")):
        print(f"    goal of one client, {which}: {found[1]['p50']:.3f} ms of {1.2 * raw[f'one{end}'] + 0.2:.3f} ms")
        print(f"    goal of 32 clients, {which}: {found[32]['rate'] / raw[f'batch{end}']:.2f} of 0.85; the cores could "
              f"{1000 * n_threads() / found[32]['cpu'] / raw[f'batch{end}']:.2f} at most")  # fmt: skip


def bare(path: Path, items: list) -> dict[str, float]:
    """The session by itself: ms for one item, items a second in batches; both with and without preparing."""
    model = headstart.load_bundle(path)
    prepare, run = model.input.transform, model.run
    one = [prepare([item]) for item in items]
    many = [prepare(items[first : first + BATCH]) for first in range(0, len(items), BATCH)]
    batches = [items[first : first + BATCH] for first in range(0, len(items), BATCH)]
    for batch in (one[0], many[0]):
        run(batch)
    return {
        "one": 1000 * median_s(lambda i: run(one[i % len(one)]), 200),
        "one_prepared": 1000 * median_s(lambda i: run(prepare([items[i % len(items)]])), 200),
        "batch": BATCH / median_s(lambda i: run(many[i % len(many)]), 24),
        "batch_prepared": BATCH / median_s(lambda i: run(prepare(batches[i % len(batches)])), 24),
    }


def median_s(call, n: int) -> float:
    seconds = []
    for i in range(n):
        started = time.perf_counter()
        call(i)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def load(port: int, process: int, items: list, n_clients: int, seconds: int) -> dict[str, float]:
    """What wrk finds; its one thread keeps `n_clients` connections busy, each with the items in turn. `cpu`: ms a request."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing. Install it with: apt-get install wrk")
    bodies = ",\n".join("[==[" + body_of([item]).decode() + "]==]" for item in items)
    lua = script("load.lua", f"""local bodies = {{{bodies}}}
local n = 0
request = function()
  n = n % #bodies + 1
  return wrk.format("POST", "/v1/predict", {{["Content-Type"] = "application/json"}}, bodies[n])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FOUND %f %f %f %f %d\\n", latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.requests / summary.duration * 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
""")  # fmt: skip
    command = ["wrk", "-t1", f"-c{n_clients}", "-s", lua, f"http://127.0.0.1:{port}"]
    subprocess.run([*command, "-d1s"], check=True, capture_output=True)  # warm
    time.sleep(1.5)  # what wrk left behind is answered first
    started_s = processor_s(process)
    said = subprocess.run([*command, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    p50, p95, p99, rate, errors = map(float, re.search(r"FOUND (.*)", said)[1].split())
    cpu = 1000 * (processor_s(process) - started_s) / (rate * seconds)
    return {"p50": p50 / 1000, "p95": p95 / 1000, "p99": p99 / 1000, "rate": rate, "cpu": cpu, "errors": int(errors)}


def family(process: int) -> list[int]:
    """A process and all that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in family(int(child)))]


def processor_s(process: int) -> float:
    """Seconds that a process and its children have computed."""
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(process)]
    return sum(int(user) + int(system) for user, system in (one[11:13] for one in fields)) / os.sysconf("SC_CLK_TCK")


def checked(port: int, path: Path, items: list) -> None:
    """Ask each item over one connection, and compare the answers with those of the bundle in this process."""
    model = headstart.load_bundle(path)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds, labels = [], []
    for item in items * 3:
        body = body_of([item])
        started = time.perf_counter()
        labels.append(ask(connection, body)["predictions"][0]["label"])
        seconds.append(time.perf_counter() - started)
    assert labels == model.predict(items) * 3
    print(
        f"  Python's http.client, one connection: p50 {1000 * np.median(seconds):.2f} ms; {len(labels)} answers as predicted"
    )


def ask(connection: http.client.HTTPConnection, body: bytes, path: str = "/v1/predict") -> dict:
    connection.request("POST", path, body, {"content-type": "application/json"})
    reply = connection.getresponse()
    describe_plan = json.loads(reply.read())
    assert reply.status == 200, describe_plan
    return describe_plan


def soak(bundles: dict[str, Path], minutes: float) -> None:
    """All models in one server, every client pausing so that the load is 80 % of what the server can."""
    words = [f"{kind}={path}" for kind, path in bundles.items()]
    with running(
        [sys.executable, "-c", "from headstart.cli import main; main()", "serve", *words, "--quiet", "--port"]
    ) as (port, process):
        top = sum(bounded(port, process, bundles, 20.0, pause=0.0)[0].values()) / 20.0
        pause = 8 / (0.8 * top)
        print(
            f"closed loop of 8 clients: {top:.0f} requests a second; now {0.8 * top:.0f} for {minutes:g} minutes",
            flush=True,
        )
        counts, errors, memory_mib = bounded(port, process, bundles, 60 * minutes, pause=pause)
    half = memory_mib[len(memory_mib) // 4 :]
    print(
        f"{sum(counts.values())} answers ({counts}), {sum(counts.values()) / (60 * minutes):.0f}/s, {len(errors)} errors {errors[:3]}"
    )
    print(f"memory (proportional): {memory_mib[0]:.0f} MiB at the start, {half[0]:.0f} after a quarter, {half[-1]:.0f} at the end, "
          f"most {max(memory_mib):.0f}; slope after the first quarter {np.polyfit(range(len(half)), half, 1)[0] * 6:+.2f} MiB a minute")  # fmt: skip


def bounded(port: int, process: int, bundles: dict[str, Path], seconds: float, *, pause: float):
    """Eight clients, each asking the models in turn at even times; what was answered, errors, memory each 10 s."""
    counts, errors, memory_mib = dict.fromkeys(bundles, 0), [], []
    asked = {kind: [body_of([item]) for item in items_of(kind)] for kind in bundles}
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        due = time.monotonic() + pause * number / 8
        turn = number
        while due < end and time.monotonic() < end:
            time.sleep(max(0.0, due - time.monotonic()))
            kind = list(bundles)[turn % len(bundles)]
            try:
                ask(connection, asked[kind][turn // len(bundles) % len(asked[kind])], f"/v1/models/{kind}/predict")
                counts[kind] += 1
            except (OSError, AssertionError, http.client.HTTPException) as error:
                errors.append(repr(error))
                connection.close()
            turn += 1
            due = max(due + pause, time.monotonic() - 1.0)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        memory_mib.append(proportional_mib(process))
        time.sleep(min(10.0, max(0.0, end - time.monotonic())))
    for thread in threads:
        thread.join()
    return counts, errors, memory_mib


def memory(bundles: dict[str, Path]) -> None:
    for kind, path in bundles.items():
        for n in (1, 2, 4):
            command = [sys.executable, "-c", "from headstart.cli import main; main()", "serve", f"m={path}", "--quiet"]
            with running([*command, "--workers", str(n), "--port"]) as (port, process):
                load(port, process, items_of(kind), 16, 3)
                print(f"{kind}, {n} workers: {proportional_mib(process):.0f} MiB in all", flush=True)


def proportional_mib(process: int) -> float:
    """Memory of a process and its children, what they share counted once."""
    rolled = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(process)]
    return sum(int(re.search(r"^Pss:\s+(\d+)", one, re.MULTILINE)[1]) for one in rolled) / 1024


@contextlib.contextmanager
def running(command: list[str], **environment: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, str(port)], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        time.sleep(1.0)
        yield port, process.pid
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):  # and what it has started
            os.killpg(process.pid, signal.SIGKILL)


def script(name: str, text: str) -> str:
    path = Path(tempfile.gettempdir()) / f"headstart-bench-{os.getpid()}-{name}"
    path.write_text(text)
    return str(path)


if __name__ == "__main__":
    main()
