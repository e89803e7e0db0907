"""What is in flight: batches on their way, how much they hold, and what of them is written and waits to be acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.streaming.answers import Answers
    from headstart.streaming.record import Delivery

N_BATCHES = 5  # one that fills, one that waits, one that is answered, one that is written, one that is recorded
MAX_BYTES = 64 << 20
BATCH_BYTES = MAX_BYTES // N_BATCHES
_UNKNOWN_BYTES = 2 << 20  # what a record may have before the first has come
_FORGOTTEN = 0.99  # of the largest lately, with each that is smaller


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Sizes and times: records of a batch, how long its first one waits, how long a place may be away."""

    batch: int = 64
    latency_s: float = 0.02
    give_up_s: float = 60.0


@dataclass
class Batch:
    """Deliveries that go through together, when each came, and what came of them."""

    deliveries: list[Delivery] = field(default_factory=list)
    received_s: list[float] = field(default_factory=list)
    n_bytes: int = 0
    answers: Answers | None = None

    def add(self, delivery: Delivery, now: float) -> int:
        """Take one more, and give its bytes."""
        n_bytes = _n_bytes(delivery)
        self.deliveries.append(delivery)
        self.received_s.append(now)
        self.n_bytes += n_bytes
        return n_bytes


@dataclass
class InFlight:
    """What was received and is not yet written, and what is written and not yet acknowledged.

    Attributes
    ----------
    max_records : how many may be on their way
    largest_bytes : of a record lately
    written : not yet acknowledged
    has_written : set when something was written
    """

    max_records: int
    n_records: int = 0
    n_bytes: int = 0
    largest_bytes: float = _UNKNOWN_BYTES
    written: list[Delivery] = field(default_factory=list)
    has_written: asyncio.Event = field(default_factory=asyncio.Event)

    def room(self, wanted: int, batch: Batch) -> int:
        """How many of those wanted may come into a batch, at the size of the largest lately; 0 where it is full."""
        if self.n_bytes >= MAX_BYTES or self.n_records >= self.max_records:
            return 0
        left = min(MAX_BYTES - self.n_bytes, BATCH_BYTES - batch.n_bytes)
        return max(1, min(wanted, int(left / self.largest_bytes)))

    def came(self, n_bytes: int) -> None:
        """Count one that was received."""
        self.largest_bytes = max(1.0, n_bytes, _FORGOTTEN * self.largest_bytes)
        self.n_records += 1
        self.n_bytes += n_bytes

    def finish(self, batch: Batch) -> None:
        """Count a batch that is written."""
        self.n_records -= len(batch.deliveries)
        self.n_bytes -= batch.n_bytes
        self.written += batch.deliveries
        self.has_written.set()

    def take_written(self) -> list[Delivery]:
        """Give what waits to be acknowledged, once."""
        self.has_written.clear()
        done, self.written = self.written, []
        return done


def _n_bytes(delivery: Delivery) -> int:
    content = delivery.record.content if delivery.record is not None else b""
    held = len(content) if isinstance(content, bytes | str) else 64 * len(content) if hasattr(content, "__len__") else 8
    return max(len(delivery.raw), held)
