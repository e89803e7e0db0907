"""Findings of a watch: alarms, changes, breaks and estimates; every figure with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Size = Literal["moved", "steady", "undecided"]

SHIFT_SD = 0.2
"""Of a column or a block of features, in standard deviations: less is of no matter."""
SHIFT_SHARE = 0.03
"""Of a share, or of an accuracy."""


def size_of(low: float, high: float, limit: float) -> Size:
    """Whether a figure is above a limit for sure, below it for sure, or neither.

    >>> size_of(0.3, 0.4, 0.2), size_of(-0.1, 0.1, 0.2), size_of(0.0, 0.9, 0.2)
    ('moved', 'steady', 'undecided')
    """
    if low > limit or high < -limit:
        return "moved"
    return "steady" if max(abs(low), abs(high)) < limit else "undecided"


def moved_words(name: str, direction: str) -> str:
    """Say how a number moved, before 'than in the reference'.

    >>> moved_words("pay", "spread out"), moved_words("job = clerk", "lower")
    ('more spread out', 'less often')
    """
    if direction in ("higher", "lower"):
        is_share = name.endswith(" missing") or " = " in name or ": another level" in name
        return {"higher": "more often", "lower": "less often"}[direction] if is_share else direction
    return {"spread out": "more spread out", "drawn together": "closer together"}.get(direction, direction)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure now, with its 95 % interval, beside what it was in the reference."""

    value: float
    low: float
    high: float
    reference: float | None = None
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class Change:
    """How much one number of the records, or one block of features, changed.

    Attributes
    ----------
    change : in `unit`: 'standard deviations', or 'share' of the records; with its 95 % interval
    reference, live : the median of the reference and of the last records, or the shares; None of blocks of features
    """

    name: str
    group: str
    change: float
    low: float
    high: float
    unit: str
    size: Size
    reference: float | None = None
    live: float | None = None


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm within the budget.

    Attributes
    ----------
    record : at which it was raised, counted from 1; of losses, the label
    time : of that record, seconds since 1970; None where it is not known
    since : the record from which on it shows, estimated
    share : of the evidence, that is the culprit's
    examples : keys of records from then on that are the farthest out in that direction
    """

    record: int
    time: float | None
    name: str
    group: str
    column: str
    direction: str
    since: int
    since_time: float | None
    share: float
    sentence: str
    advice: str
    examples: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Alarm:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**said, "examples": tuple(said["examples"])})


@dataclass(frozen=True, kw_only=True)
class Break:
    """Data that is not as it must be: `kind` is 'schema', 'unreadable', 'missing', 'range', 'duplicates', 'silence' or 'labels'."""

    kind: str
    message: str
    is_broken: bool = False
