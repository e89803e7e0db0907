"""Returning: since when the numbers of an incident cannot be told from the reference any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.ranks import bins_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.monitoring.ensemble import Member

_LEAST = 30  # values, below which nothing can be told
_STANDARD_ERRORS = 4.0  # by which no share may differ: at 130 bins, about once in 100 times by chance
_LOOK_EVERY = 128


def differs(member: Member, counts: IntArray) -> bool:
    """Whether the share of values below one of the reference's quantiles is another than it was, by more than four standard errors.

    Parameters
    ----------
    counts : of live values by the member's bins
    """
    n, n_reference = int(counts.sum()), int(member.counts.sum())
    if n < _LEAST or not n_reference:
        return False
    live, before = counts.cumsum()[:-1] / n, member.counts.cumsum()[:-1] / n_reference
    pooled = (live * n + before * n_reference) / (n + n_reference)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_reference))
    return bool((np.abs(live - before) > _STANDARD_ERRORS * spread + 1e-12).any())


def counted(member: Member, values: FloatArray) -> IntArray:
    """Count values by the member's bins; NaN are left out."""
    bins = bins_of(member.edges, np.asarray(values, np.float64))
    return np.bincount(bins[bins >= 0], minlength=len(member.counts))


@dataclass
class Return:
    """What came since the numbers of one incident were last seen to differ, of records or of labels.

    Attributes
    ----------
    n : values that came since
    counts : of them, by name and bin
    """

    n: int = 0
    unlooked: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict)

    def see(self, values: FloatArray, members: Sequence[Member], names: Sequence[str]) -> None:
        """Count values, shape (n, n_members); where one of the names differs, all begins anew."""
        self.n += len(values)
        self.unlooked += len(values)
        watched = [(place, member) for place, member in enumerate(members) if member.name in names]
        for place, member in watched:
            before = self.counts.get(member.name)
            now = counted(member, values[:, place])
            self.counts[member.name] = (now if before is None else now + np.array(before)).tolist()
        if self.unlooked < _LOOK_EVERY:
            return
        self.unlooked = 0
        if any(differs(member, np.array(self.counts[member.name])) for _, member in watched):
            self.n, self.counts = 0, {}

    def tells(self, names: Sequence[str]) -> bool:
        """Whether there are enough values of each number to tell."""
        return all(sum(self.counts.get(name, ())) >= _LEAST for name in names)

    def to_dict(self) -> dict[str, Any]:
        """The state."""
        return {"n": self.n, "unlooked": self.unlooked, "counts": self.counts}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Return:
        """Inverse of `to_dict`."""
        return cls(n=said["n"], unlooked=said["unlooked"], counts=dict(said["counts"]))
