"""One method in a process of its own that stays: a line of JSON for each job, so that its imports are paid, and timed, once."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = Path(".venv-peers/bin/python")
AUTOGLUON = Path(".venv-autogluon/bin/python")
INTERPRETERS = {"catboost": PEERS, "lightgbm": PEERS, "autogluon": AUTOGLUON}
"""Of the methods that have an environment of their own (`make peers-env`); others run in this one."""

IMPORTS_S = 60  # that the first job of a process may take longer


def is_installed(method: str) -> bool:
    """Whether the environment of a method is there."""
    return INTERPRETERS.get(method, Path(sys.executable)).exists()


@dataclass
class Worker:
    """The process of one method; it is started with the first job, and anew after one that took too long."""

    method: str
    threads: int
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def ask(self, job: dict[str, Any], longest_s: float) -> dict[str, Any]:
        """Do a job; the answer has `failed` where it died, raised, or took longer than `longest_s`."""
        if self.process is None:
            self.process = self._start()
            longest_s += IMPORTS_S
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], longest_s)[0]:
            self.stop()
            return {"failed": f"stopped after {longest_s:g} s"}
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            return {"failed": "its process died"}
        return dict(json.loads(line))

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _start(self) -> subprocess.Popen[bytes]:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HEADSTART_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, str(self.threads))}
        python = str(INTERPRETERS.get(self.method, sys.executable))
        return subprocess.Popen(
            [python, "-m", "bench.peers.columns"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
