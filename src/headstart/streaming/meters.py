"""What a stream does in figures: a line for people now and then, and what Prometheus may ask."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_N_LATENCIES = 100_000


class Meter(Protocol):
    """Hears of every batch that was written."""

    def written(self, *, n_records: int, n_dead: int, latencies_s: Sequence[float]) -> None:
        """Note a batch, with the time of each record from when it was received."""
        ...

    def waited(self, place: str) -> None:
        """Note that a place was away."""
        ...

    def left_out(self, n: int) -> None:
        """Note outputs that were not written, as their key was written before."""
        ...


@dataclass(frozen=True, kw_only=True)
class StreamSummary:
    """What a stream did.

    Attributes
    ----------
    n_records : whose output is written and which are acknowledged
    n_dead : of them those that could not be read
    n_repeated : deliveries that had been written before and were only acknowledged
    n_duplicates : records whose output was left out, as one of the same key was written before
    seconds : from first to last
    p50_ms, p99_ms : from receiving a record to its output being written, of the last 100,000; None if there were none
    """

    n_records: int
    n_dead: int
    n_repeated: int
    n_duplicates: int = 0
    seconds: float
    p50_ms: float | None
    p99_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        said = f"{self.n_records:,} records in {self.seconds:.1f} s, {self.n_dead:,} of them not readable"
        if self.n_duplicates:
            said = f"{said}, {self.n_duplicates:,} left out as their key was written before"
        return said if self.p50_ms is None else f"{said}; {_words(self.p50_ms, self.p99_ms)}"


class Figures:
    """The figures of one process."""

    def __init__(self) -> None:
        self._started = self._spoke = time.monotonic()
        self._latest: list[float] = []
        self._latencies: deque[float] = deque(maxlen=_N_LATENCIES)
        self.n_records = self.n_dead = self.n_repeated = self.n_duplicates = self.n_waits = 0
        self._n_said = 0

    def written(self, *, n_records: int, n_dead: int, latencies_s: Sequence[float]) -> None:
        """Note a batch."""
        self.n_records += n_records
        self.n_dead += n_dead
        self._latest += latencies_s
        self._latencies.extend(latencies_s)

    def waited(self, place: str) -> None:  # noqa: ARG002  which place it was is told otherwise
        """Count it; those who listen are told otherwise."""
        self.n_waits += 1

    def left_out(self, n: int) -> None:
        """Count outputs that were left out."""
        self.n_duplicates += n

    def line(self) -> str:
        """Say the rate since the last line; '' where nothing came."""
        now = time.monotonic()
        n, seconds, latencies = self.n_records - self._n_said, now - self._spoke, self._latest
        self._n_said, self._spoke, self._latest = self.n_records, now, []
        if not n:
            return ""
        p50, p99 = np.percentile(latencies, [50, 99]) * 1000
        return (
            f"{n / seconds:,.0f} records/s, {_words(p50, p99)}; {self.n_records:,} in all, {self.n_dead:,} not readable"
        )

    def summary(self) -> StreamSummary:
        """What was done so far."""
        p50, p99 = np.percentile(self._latencies, [50, 99]) * 1000 if self._latencies else (None, None)
        return StreamSummary(
            n_records=self.n_records,
            n_dead=self.n_dead,
            n_repeated=self.n_repeated,
            n_duplicates=self.n_duplicates,
            seconds=round(time.monotonic() - self._started, 3),
            p50_ms=None if p50 is None else round(float(p50), 3),
            p99_ms=None if p99 is None else round(float(p99), 3),
        )


def _words(p50_ms: float, p99_ms: float | None) -> str:
    return f"p50 {p50_ms:.3g} ms, p99 {p99_ms:.3g} ms"
