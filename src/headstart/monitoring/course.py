"""Course: rates, latencies and answers over time, in at most 60 blocks, so that hours and years take the same room."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BLOCKS = 60
_FIRST_S = 1.0
_N_LATELY = 2_000
_LATELY_S = 10.0
_LEAST_S, _PER_DECADE, _N_BINS = 1e-4, 10, 71  # 0.1 ms to 1,000 s


@dataclass
class Block:
    """What happened in one stretch of time: `start` in seconds since 1970, records by answer, latencies by bin."""

    start: float
    n: int = 0
    n_dead: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    bins: dict[int, int] = field(default_factory=dict)

    def merge(self, other: Block) -> None:
        """Take in the block after this one."""
        self.n += other.n
        self.n_dead += other.n_dead
        for name, count in other.answers.items():
            self.answers[name] = self.answers.get(name, 0) + count
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + count


class Course:
    """Blocks of one length, each twice as long when there would be more than 60.

    Attributes
    ----------
    width_s : of a block
    n_records, n_dead : in all
    """

    def __init__(self) -> None:
        self.width_s = _FIRST_S
        self.blocks: list[Block] = []
        self.n_records = self.n_dead = 0
        self._lately: deque[tuple[float, int]] = deque(maxlen=_N_LATELY)

    def answered(self, now: float, answers: Mapping[str, int]) -> None:
        """Count the answers of a batch by label."""
        block = self._block(now)
        for name, count in answers.items():
            block.answers[name] = block.answers.get(name, 0) + count

    def written(self, now: float, *, n_records: int, n_dead: int = 0, latencies_s: Sequence[float] = ()) -> None:
        """Count a batch that was written; a time before the last block counts there."""
        block = self._block(now)
        block.n += n_records
        block.n_dead += n_dead
        for latency in latencies_s:
            place = bin_of(latency)
            block.bins[place] = block.bins.get(place, 0) + 1
        self.n_records += n_records
        self.n_dead += n_dead
        self._lately.append((now, n_records))

    def rate(self, now: float) -> float:
        """Records a second in the last ten seconds."""
        return sum(n for at, n in self._lately if at > now - _LATELY_S) / _LATELY_S

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, from which `from_dict` goes on; percentiles are for who looks."""
        return {
            "width_s": self.width_s,
            "n_records": self.n_records,
            "n_dead": self.n_dead,
            "blocks": [
                {
                    "start": one.start,
                    "n": one.n,
                    "n_dead": one.n_dead,
                    "answers": one.answers,
                    "bins": {str(place): count for place, count in one.bins.items()},
                    "p50_ms": quantile_ms(one.bins, 0.5),
                    "p99_ms": quantile_ms(one.bins, 0.99),
                }
                for one in self.blocks
            ],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Course:
        """Inverse of `to_dict`."""
        course = cls()
        course.width_s = float(said["width_s"])
        course.n_records, course.n_dead = int(said["n_records"]), int(said["n_dead"])
        course.blocks = [
            Block(
                float(one["start"]),
                int(one["n"]),
                int(one["n_dead"]),
                {str(name): int(count) for name, count in one["answers"].items()},
                {int(place): int(count) for place, count in one["bins"].items()},
            )
            for one in said["blocks"]
        ]
        return course

    def _block(self, now: float) -> Block:
        if self.blocks and now < self.blocks[-1].start + self.width_s:
            return self.blocks[-1]
        while self.blocks and now - self.blocks[0].start >= MAX_BLOCKS * self.width_s:
            self._widen()
        start = math.floor(now / self.width_s) * self.width_s
        if not self.blocks or start > self.blocks[-1].start:
            self.blocks.append(Block(start))
        return self.blocks[-1]

    def _widen(self) -> None:
        self.width_s *= 2
        merged: list[Block] = []
        for one in self.blocks:
            one.start = math.floor(one.start / self.width_s) * self.width_s
            if merged and merged[-1].start == one.start:
                merged[-1].merge(one)
            else:
                merged.append(one)
        self.blocks = merged


def bin_of(latency_s: float) -> int:
    """The bin of a latency; each is a quarter longer than the one before."""
    if not latency_s > _LEAST_S:
        return 0
    return min(_N_BINS - 1, 1 + math.floor(_PER_DECADE * math.log10(latency_s / _LEAST_S)))


def quantile_ms(bins: Mapping[int, int], share: float) -> float | None:
    """The latency in ms below which a share of them lies, at most a quarter too long; None where there are none."""
    left = share * sum(bins.values())
    for place in sorted(bins):
        left -= bins[place]
        if left <= 0:
            return float(1000 * _LEAST_S * 10 ** (place / _PER_DECADE))
    return None
