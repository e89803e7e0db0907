"""Seconds of the wall's clock, and of the processor: the second hardly depends on what else the machine does."""

from __future__ import annotations

import time


class Stopwatch:
    """Each lap's seconds, by the wall's clock (`train_s`) and of the processor in all threads (`train_cpu_s`)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter(), time.process_time()

    def lap(self, name: str) -> None:
        """End a lap and begin the next."""
        now = time.perf_counter(), time.process_time()
        wall, processor = (after - before for after, before in zip(now, self._last, strict=True))
        self.seconds |= {f"{name}_s": round(wall, 2), f"{name}_cpu_s": round(processor, 2)}
        self._last = now
