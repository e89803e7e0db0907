"""Gaps between records, and which of them is a silence, also where records come in batches."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_N_LONGEST = 3
_LEAST_GAPS = 10.0  # that are known of, where each counts by its length
_MOST_GAPS = 20.0  # usual gaps without a record that are no silence


class Gaps:
    """What is kept of the times between records, in seconds.

    A time taken at random lies in a gap of mean length E[g²]/E[g], which is twice the mean where records come at random, and that of
    the pauses where they come in batches. Half of it, or the mean if that is longer, is the usual gap; the three longest ones, which may
    be silences, are left out of it.

    Attributes
    ----------
    last_time : of the latest record, seconds since 1970; None before the first
    """

    def __init__(self) -> None:
        self.last_time: float | None = None
        self._n, self._sum_s, self._squares_s2 = 0, 0.0, 0.0
        self._longest_s: list[float] = []

    def see(self, times: Sequence[float | None]) -> None:
        """Follow when records happened; one older than the latest counts for nothing."""
        for time in times:
            if time is None:
                continue
            if self.last_time is not None and time >= self.last_time:
                self._add(time - self.last_time)
            self.last_time = time if self.last_time is None else max(time, self.last_time)

    def silence(self, now: float | None) -> tuple[float, float] | None:
        """The longest gap and the usual one, if the longest is a silence; until `now`, where it is given, no record came."""
        sum_s = self._sum_s - sum(self._longest_s)
        squares_s2 = self._squares_s2 - sum(one**2 for one in self._longest_s)
        if squares_s2 <= 0 or 2 * sum_s**2 / squares_s2 < _LEAST_GAPS:
            return None
        n_left = max(1, self._n - len(self._longest_s))
        usual_s = max(sum_s / n_left, squares_s2 / (2 * sum_s))
        longest_s = max(self._longest_s)
        if now is not None and self.last_time is not None:
            longest_s = max(longest_s, now - self.last_time)
        expected = math.log(max(self._n, 2))  # the longest of so many gaps of a steady stream
        return (longest_s, usual_s) if longest_s >= (_MOST_GAPS + expected) * usual_s else None

    def to_dict(self) -> dict[str, Any]:
        """The state."""
        return {
            "last_time": self.last_time, "n": self._n, "sum_s": self._sum_s, "squares_s2": self._squares_s2,
            "longest_s": self._longest_s,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Gaps:
        """Take the state of `to_dict`."""
        gaps = cls()
        gaps.last_time, gaps._n = said["last_time"], int(said["n"])
        gaps._sum_s, gaps._squares_s2 = float(said["sum_s"]), float(said["squares_s2"])
        gaps._longest_s = [float(one) for one in said["longest_s"]]
        return gaps

    def _add(self, gap_s: float) -> None:
        self._n += 1
        self._sum_s += gap_s
        self._squares_s2 += gap_s**2
        if len(self._longest_s) < _N_LONGEST or gap_s > self._longest_s[-1]:
            self._longest_s = heapq.nlargest(_N_LONGEST, [*self._longest_s, gap_s])
