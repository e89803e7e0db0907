"""Run a module on bytes of unknown origin in a process of its own, which ends when it takes too much time or memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_POLL_S = 0.02
_PATIENCE = 20  # times as long as it may work, it may wait for a busy machine
_STATE_FIELDS = (11, 12)  # of /proc/PID/stat behind the name: ticks in user and in system mode


class LimitError(Exception):
    """It was not done within the limits: which one, as the end of a sentence."""


def run_limited(module: str, given: bytes, *, deadline_s: float, memory_bytes: int) -> None:
    """Run `python -m MODULE` with `given` on its standard input.

    What it refuses is no error here: the library that refuses it will do so again, in little time. Memory is measured rather than
    limited, for libraries go on differently where they get none; it is not, where the system does not tell it.

    Parameters
    ----------
    deadline_s : of processor time; of time, where the system does not tell that

    Raises
    ------
    LimitError
        It took too long, or too much memory.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        # -P: a module of the current folder must not take the place of a library
        command = [sys.executable, "-P", "-m", module]
        with subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                while process.poll() is None:
                    waited_s = time.monotonic() - started
                    worked_s = _worked_s(process.pid)
                    if waited_s > _PATIENCE * deadline_s or (waited_s if worked_s is None else worked_s) > deadline_s:
                        raise LimitError(f"it was not ready after {deadline_s:g} seconds")
                    if _memory_bytes(process.pid) > memory_bytes:
                        raise LimitError(f"it took more than {memory_bytes >> 20} MiB of memory")
                    time.sleep(_POLL_S)
            finally:
                process.kill()
    if process.returncode < 0:
        raise LimitError("it was ended by the system, as a rule for its memory")


def _worked_s(process: int) -> float | None:
    """Processor time of a process so far; None where that is not known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(int(fields[i]) for i in _STATE_FIELDS) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def _memory_bytes(process: int) -> int:
    """What a process holds now; 0 where that is not known, or where it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
