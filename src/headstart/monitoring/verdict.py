"""The verdict of a watch: what moved, by how much, since when, and what to do; every figure with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Size = Literal["moved", "steady", "undecided"]
Status = Literal["alarm", "broken", "steady", "no records"]

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


@dataclass(frozen=True, kw_only=True)
class Break:
    """Data that is not as it must be: `kind` is 'schema', 'unreadable', 'missing', 'range', 'duplicates', 'silence' or 'labels'."""

    kind: str
    message: str
    is_broken: bool = False


@dataclass(frozen=True, kw_only=True)
class WatchVerdict:
    """What a watch found.

    Attributes
    ----------
    status : 'alarm'; 'broken' where there is no alarm but records cannot be used as they are; 'steady'; 'no records'
    evidence : against "nothing changed" since the last alarm, and `threshold`, at which the next is raised
    accuracy : 'estimated', 'measured', 'previous label': what is known of them
    since : `changes` are of the records from here on: all, or those since the first alarm that is kept says that it began
    label_shares : the share of each true label, estimated without labels as if nothing else changed: the most likely one; as below where
        an older reference holds too little for that
    black_box_shares : the same by black-box shift estimation, which needs no calibrated probabilities
    answers : the share of each label that was decided on
    """

    status: Status
    sentence: str
    budget: str
    n_records: int
    n_labels: int
    evidence: float
    threshold: float
    alarms: tuple[Alarm, ...] = ()
    since: int = 1
    changes: tuple[Change, ...] = ()
    accuracy: dict[str, Estimate]
    label_shares: dict[str, Estimate]
    answers: dict[str, Estimate]
    black_box_shares: dict[str, Estimate] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    course: tuple[dict[str, Any], ...] = ()
    made_of: str = ""

    @property
    def exit_code(self) -> int:
        """0 where all is as it was, 3 where there was an alarm or records are broken."""
        return 3 if self.status in ("alarm", "broken") else 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
