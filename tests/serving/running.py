"""Start a real server on this machine's own address, and ask it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO

PATIENCE_S = 120  # on a machine that others keep busy; what must be quick is measured by itself


@dataclass
class Reply:
    """What a server answered."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen
    port: int
    written: IO[str]
    token: str = ""
    log: list = field(default_factory=list)

    def ask(self, method, path, body=None, **headers):
        """One request over a connection of its own; header names have underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        if self.token:
            headers.setdefault("authorization", f"Bearer {self.token}")
        if isinstance(body, dict):
            body, headers = json.dumps(body), {"content_type": "application/json", **headers}
        try:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, **headers)

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def stop(self):
        """End it in good order, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=PATIENCE_S)
        self.written.seek(0)
        self.log += [json.loads(line) for line in self.written]
        self.written.close()
        return self.process.returncode


def start_server(*words, token="", is_ready=True, before="", **environment):
    """Start `headstart serve` on a free port; wait until it is ready, or at least listens.

    `before` is Python that runs in the server's process first.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", f"{before}\nfrom headstart.cli import main; main()", "serve", *map(str, words)]
    settings = {**os.environ, "HEADSTART_THREADS": "1", "HEADSTART_TOKEN": token, **environment}
    written = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed when the server is stopped; a pipe would fill
    process = subprocess.Popen([*command, "--port", str(port)], stderr=written, stdout=subprocess.DEVNULL, env=settings)
    running = Running(process, port, written, token)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if not is_ready:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return running
            if running.get("/v2/health/ready").status == 200:
                return running
        except OSError:
            time.sleep(0.05)
    process.kill()
    written.seek(0)
    raise AssertionError(f"the server did not start: {written.read()}")
