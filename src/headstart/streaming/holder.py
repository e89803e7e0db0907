"""Holder: who has claimed something that several processes share, so that what a dead one held can be taken over."""

from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path

LEASE_S = 60.0


def new_holder() -> str:
    """Name this process, and one place in it: host, process, when that started, and a random part.

    >>> is_gone(new_holder(), since_s=0.0)
    False
    """
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"


def is_gone(holder: str, since_s: float) -> bool:
    """Whether who holds something will not finish it.

    Parameters
    ----------
    since_s : when it was claimed, seconds since 1970; of processes of other machines that is all that is known
    """
    host, _, rest = holder.partition("/")
    if host != socket.gethostname():
        return time.time() - since_s > LEASE_S
    process, _, rest = rest.partition("/")
    started = rest.partition("/")[0]
    return not process.isdecimal() or _started(int(process)) != started


def _started(process: int) -> str:
    """When a process started, in the system's ticks; '' where there is none of that number."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return _without_proc(process)
    return "" if fields[0] in "ZX" else fields[19]  # a zombie has ended


def _without_proc(process: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
