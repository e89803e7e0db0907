"""Clients of a server: wrk for the load, and Python's own, which checks the answers."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import headstart
from bench.demos import demo_dataset, demo_folder, spread
from bench.speed.server_process import processor_s, script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Items = Sequence[str | bytes]

LUA = """local bodies = {%s}
local n = 0
request = function()
  n = n %% #bodies + 1
  return wrk.format("POST", "/v1/predict", {["Content-Type"] = "application/json"}, bodies[n])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FOUND %%f %%f %%f %%f %%d\\n", latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.requests / summary.duration * 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def items_of(kind: str, n: int = 64) -> Items:
    """Files of photos, or texts."""
    if kind == "photos":
        return [path.read_bytes() for path in spread(sorted((demo_folder("groceries") / "test").rglob("*.jpg")), n)]
    return list(demo_dataset("questions").items[:n])


def body_of(items: Items) -> bytes:
    """The request for some items."""
    return json.dumps(
        {"items": [one if isinstance(one, str) else base64.b64encode(one).decode() for one in items]}
    ).encode()


def load(port: int, process: int, items: Items, n_clients: int, seconds: int) -> dict[str, float]:
    """What wrk finds when the server is warm."""
    burst(port, process, items, n_clients, 1)
    time.sleep(1.5)  # what wrk left behind is answered first
    return burst(port, process, items, n_clients, seconds)


def burst(port: int, process: int, items: Items, n_clients: int, seconds: int) -> dict[str, float]:
    """What wrk finds; its one thread keeps `n_clients` connections busy, each with the items in turn. `cpu`: ms a request."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing. Install it with: apt-get install wrk")
    bodies = ",\n".join("[==[" + body_of([item]).decode() + "]==]" for item in items)
    command = ["wrk", "-t1", f"-c{n_clients}", "-s", script("load.lua", LUA % bodies), f"http://127.0.0.1:{port}"]
    started_s = processor_s(process)
    said = subprocess.run([*command, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"FOUND (.*)", said)
    if found is None:
        raise SystemExit(f"wrk said nothing of its run:\n{said}")
    p50, p95, p99, rate, errors = map(float, found[1].split())
    cpu = 1000 * (processor_s(process) - started_s) / (rate * seconds)
    return {"p50": p50 / 1000, "p95": p95 / 1000, "p99": p99 / 1000, "rate": rate, "cpu": cpu, "errors": errors}


def check_answers(port: int, bundle: Path, items: Items) -> None:
    """Ask each item over one connection, and compare the answers with those of the bundle in this process."""
    model = headstart.load_bundle(bundle)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds: list[float] = []
    labels: list[str] = []
    for item in [*items] * 3:
        body = body_of([item])
        started = time.perf_counter()
        labels.append(ask(connection, body)["predictions"][0]["label"])
        seconds.append(time.perf_counter() - started)
    assert labels == [answer.label for answer in model.predictions(items)] * 3
    print(
        f"  Python's http.client, one connection: p50 {1000 * np.median(seconds):.2f} ms; {len(labels)} answers as predicted"
    )


def ask(connection: http.client.HTTPConnection, body: bytes, path: str = "/v1/predict") -> dict[str, Any]:
    """Send a request; gives the answer."""
    connection.request("POST", path, body, {"content-type": "application/json"})
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    assert reply.status == 200, answer
    return dict(answer)
