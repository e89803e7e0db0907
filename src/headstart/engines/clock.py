"""Clock: seconds by stage, what is left of a budget, and what the run cost."""

from __future__ import annotations

import re
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.engines.energy import WATTS_PER_CORE, cpu_seconds, energy_wh

if TYPE_CHECKING:
    from collections.abc import Iterator

_BYTES_PER_MIB = 2**20


class Clock:
    """Times the stages of one run; `budget_s` is the time that all of it may take, or None."""

    def __init__(self, budget_s: float | None = None) -> None:
        self._budget_s = budget_s
        self._started = time.perf_counter()
        self._cpu_started = cpu_seconds()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - started

    def limit(self, budget_s: float) -> None:
        """Set the time that all of the run may take, counted from its start."""
        self._budget_s = budget_s

    @property
    def left_s(self) -> float | None:
        """Seconds left of the budget, negative when it is overdrawn; None without a budget."""
        return None if self._budget_s is None else self._budget_s - (time.perf_counter() - self._started)

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, and in total."""
        return {
            **{k: round(v, 3) for k, v in self._seconds.items()},
            "total": round(time.perf_counter() - self._started, 3),
        }

    def timing(self) -> dict[str, Any]:
        """All that differs between two runs on the same data: seconds, peak memory, estimated energy."""
        return {
            "seconds": self.seconds(),
            "peak_mib": round(peak_mib(), 1),
            "energy_wh": round(energy_wh(cpu_seconds() - self._cpu_started), 4),
            "energy_note": f"estimated from processor time at {WATTS_PER_CORE:g} W a core",
        }


def peak_mib() -> float:
    """Most memory that this process has held at once, in MiB."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count what the parent process held when it began this one
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found is not None:
            return int(found[1]) * 1024 / _BYTES_PER_MIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _BYTES_PER_MIB if sys.platform == "darwin" else peak * 1024 / _BYTES_PER_MIB
