"""The verdict of a watch: what moved, by how much, since when, and what to do; every figure with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headstart.monitoring.findings import Alarm, Break, Change, Estimate
    from headstart.monitoring.incident import Incident
    from headstart.monitoring.periods import Period

Status = Literal["alarm", "broken", "steady", "no records"]


@dataclass(frozen=True, kw_only=True)
class WatchVerdict:
    """What a watch found.

    Attributes
    ----------
    status : 'alarm' where an incident is open that nobody has said to know of; 'broken' where there is none but records cannot be used as they are;
        'steady'; 'no records'
    alarms : of the detectors, the last 100; those of one change are one of `incidents`, of which the last 20 are kept, the oldest first
    version, seal : of the model that answers, where they are known; `periods` were before this one, each with another
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
    incidents: tuple[Incident, ...] = ()
    since: int = 1
    changes: tuple[Change, ...] = ()
    accuracy: dict[str, Estimate]
    label_shares: dict[str, Estimate]
    answers: dict[str, Estimate]
    black_box_shares: dict[str, Estimate] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    course: tuple[dict[str, Any], ...] = ()
    made_of: str = ""
    version: str = ""
    seal: str = ""
    periods: tuple[Period, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where all is as it was, 3 at an alarm or where records are broken."""
        return 3 if self.status in ("alarm", "broken") else 0

    def brief(self) -> dict[str, Any]:
        """What a scheduler asks, as JSON values."""
        names = ("status", "sentence", "exit_code", "version", "n_records", "n_labels")
        incidents = [
            {
                "number": one.number,
                "is_open": one.is_open,
                "known": one.known,
                "sentence": one.sentence,
                "advice": one.culprit.advice,
            }
            for one in self.incidents
        ]
        return {**{name: getattr(self, name) for name in names}, "incidents": incidents}

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; an incident with its sentence."""
        said = asdict(self)
        for incidents, of in (
            (self.incidents, said),
            *((one.incidents, each) for one, each in zip(self.periods, said["periods"], strict=True)),
        ):
            of["incidents"] = [
                {**one, "sentence": whole.sentence} for whole, one in zip(incidents, of["incidents"], strict=True)
            ]
        return {**said, "exit_code": self.exit_code}
