"""Servers as processes: `headstart serve` and others beside it, with the memory and processor time of all that they start."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.processes import HEADSTART

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def serve_command(*models: str, workers: int = 1, options: Sequence[str] = ()) -> list[str]:
    """`headstart serve` of models, NAME=FOLDER each; the port is to be added."""
    return [*HEADSTART, "serve", *models, "--quiet", "--workers", str(workers), *options, "--port"]


def server_commands(bundle: Path) -> dict[str, list[str]]:
    """The servers that are compared, by title; each command lacks its port."""
    return {
        "headstart serve": serve_command(f"m={bundle}"),
        "with two workers": serve_command(f"m={bundle}", workers=2),
        "plain FastAPI": [sys.executable, "-c", FASTAPI, str(bundle)],
        "LitServe": [sys.executable, script("litserve_api.py", LITSERVE), str(bundle)],
    }


@contextlib.contextmanager
def running(command: list[str], **environment: str) -> Iterator[tuple[int, int]]:
    """Start a server on a free port and wait until it listens; gives the port and the number of the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
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
    """Write a script beside the temporary files; gives its path."""
    path = Path(tempfile.gettempdir()) / f"headstart-bench-{os.getpid()}-{name}"
    path.write_text(text)
    return str(path)


def family(process: int) -> list[int]:
    """A process and all that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in family(int(child)))]


def processor_s(process: int) -> float:
    """Seconds that a process and its children have computed."""
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(process)]
    return sum(int(user) + int(system) for user, system in (one[11:13] for one in fields)) / os.sysconf("SC_CLK_TCK")


def proportional_mib(process: int) -> float:
    """Memory of a process and its children, what they share counted once."""
    rolled = "".join(Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(process))
    return sum(int(kib) for kib in re.findall(r"^Pss:\s+(\d+)", rolled, re.MULTILINE)) / 1024
