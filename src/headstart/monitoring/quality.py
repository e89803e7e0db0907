"""Breaks of quality: columns that are not there, records that cannot be read, copies, values never seen, silence."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.findings import Break
from headstart.monitoring.gaps import Gaps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray

_N_KEPT = 1024
_MANY_UNREADABLE = 0.5
_Z = 4.0  # standard errors above what is usual: few false breaks, for nobody set a budget for them


def _exceeds(n: int, of: int, usual: float, least: float) -> bool:
    """Whether a share is above what is usual beyond doubt, and by an amount that matters."""
    if not of:
        return False
    share = n / of
    error = math.sqrt(max(usual * (1 - usual), 1 / of) / of)
    return share > usual + max(least, _Z * error)


class Quality:
    """Counts of what is wrong with records.

    Attributes
    ----------
    counts : records, unreadable ones, and copies of one of the last 1,024
    gaps : between the times of records
    outside : by field, how many values lie outside the reference's range
    """

    def __init__(self, *, duplicate_share: float = 0.0) -> None:
        self.counts = {"records": 0, "unreadable": 0, "duplicates": 0}
        self.outside: dict[str, int] = {}
        self.duplicate_share = duplicate_share
        self.gaps = Gaps()
        self._recent: deque[int] = deque()
        self._held: Counter[int] = Counter()  # the same, to look one up
        self._schema: dict[str, str] = {}

    def see(self, rows: Sequence[int], *, n_unreadable: int, outside: Mapping[str, int]) -> None:
        """Count some records; `rows` are hashes of their contents."""
        self.counts["records"] += len(rows) + n_unreadable
        self.counts["unreadable"] += n_unreadable
        for row in rows:
            self.counts["duplicates"] += row in self._held
            self._keep(row)
        for name, n in outside.items():
            self.outside[name] = self.outside.get(name, 0) + n

    def wrong_schema(self, message: str) -> None:
        """Note that records have not the columns that they must have."""
        self._schema.setdefault(message, message)

    def breaks(self, *, now: float | None = None) -> tuple[Break, ...]:
        """What is wrong; `now` in seconds since 1970, for silence that goes on."""
        n, found = self.counts["records"], []
        found += [Break(kind="schema", message=message, is_broken=True) for message in self._schema]
        if self.counts["unreadable"]:
            share = self.counts["unreadable"] / n
            message = f"{self.counts['unreadable']:,} of {n:,} records could not be read."
            found.append(Break(kind="unreadable", message=message, is_broken=share > _MANY_UNREADABLE))
        if _exceeds(self.counts["duplicates"], n, self.duplicate_share, 0.05):
            share = self.counts["duplicates"] / n
            found.append(
                Break(
                    kind="duplicates",
                    message=f"{share:.0%} of the records equal one shortly before; {self.duplicate_share:.0%} did in the reference. A sender may repeat itself.",
                )
            )
        for name, count in self.outside.items():
            if _exceeds(count, n, 0.0, 0.01):
                message = f"{count:,} of {n:,} values of '{name}' lie outside the range of the reference. The unit may have changed."
                found.append(Break(kind="range", message=message))
        return (*found, *self._silence(now))

    def _silence(self, now: float | None) -> list[Break]:
        found = self.gaps.silence(now)
        if found is None:
            return []
        longest_s, usual_s = found
        message = f"no record came for {longest_s:,.0f} s, {longest_s / usual_s:,.0f} times the usual gap."
        return [Break(kind="silence", message=message)]

    def arrays(self) -> dict[str, FloatArray]:
        """The state that is numbers."""
        return {"recent": np.array(self._recent, np.int64)}

    def to_dict(self) -> dict[str, Any]:
        """The state that is words."""
        return {
            "counts": self.counts, "outside": self.outside, "gaps": self.gaps.to_dict(), "schema": list(self._schema),
        }  # fmt: skip

    def restore(self, said: Mapping[str, Any], recent: FloatArray) -> None:
        """Take the state of `to_dict` and `arrays`."""
        self.counts, self.outside = dict(said["counts"]), dict(said["outside"])
        self.gaps = Gaps.from_dict(said["gaps"])
        self._schema = {message: message for message in said["schema"]}
        self._recent, self._held = deque(), Counter()
        for row in recent:
            self._keep(int(row))

    def _keep(self, row: int) -> None:
        self._recent.append(row)
        self._held[row] += 1
        if len(self._recent) > _N_KEPT:
            oldest = self._recent.popleft()
            self._held[oldest] -= 1
            if not self._held[oldest]:
                del self._held[oldest]
