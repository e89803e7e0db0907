"""Which windows a time is in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Assigner:
    """Finds windows; all times are microseconds since 1970 UTC, and a window has its beginning and not its end.

    Attributes
    ----------
    size_us, every_us : of tumbling and sliding windows, whose beginnings are multiples of `every_us`
    gap_us : of sessions; then the others are None
    """

    size_us: int | None = None
    every_us: int | None = None
    gap_us: int | None = None

    def windows(self, time_us: int) -> list[tuple[int, int]]:
        """Beginnings and ends, earliest first; of sessions the one that the time alone would make.

        >>> Assigner(size_us=60, every_us=30).windows(95)
        [(60, 120), (90, 150)]
        """
        if self.gap_us is not None:
            return [(time_us, time_us + self.gap_us)]
        assert self.size_us is not None
        assert self.every_us is not None
        last = time_us - time_us % self.every_us
        starts = range(last, time_us - self.size_us, -self.every_us)
        return [(start, start + self.size_us) for start in reversed(starts)]
