"""Real servers on this machine's own address, each in processes of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SERVE = (sys.executable, "-c", "from headstart.cli import main; main()", "serve")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready: str,
    log: Path,
    folder: Path | None = None,
    patience_s: float = 60,
    **settings: str,
) -> Iterator[None]:
    """Run a server until the block ends.

    Parameters
    ----------
    ready : address that is answered once the server is ready
    log : file of what it says
    folder : where it runs
    patience_s : until it is ready, on a machine that others keep busy
    settings : of its environment, besides those of this process
    """
    with log.open("w") as said:
        server = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=folder, env={**os.environ, **settings}, start_new_session=True
        )
    try:
        _wait(ready, server, log, patience_s)
        yield
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


@contextmanager
def served(*words: str | Path, log: Path, **settings: str) -> Iterator[str]:
    """Run `headstart serve` on a free port, and give its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [*SERVE, *words, "--port", str(port)]
    with running(command, ready=f"{url}/v2/health/ready", log=log, HEADSTART_THREADS="1", **settings):
        yield url


def _wait(ready: str, server: subprocess.Popen[bytes], log: Path, patience_s: float) -> None:
    end = time.monotonic() + patience_s
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(ready, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
