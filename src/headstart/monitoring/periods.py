"""Periods: a watch compares with what one model was proven on; when another model answers, a period ends and another begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.monitoring.findings import Estimate
from headstart.monitoring.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Mapping


MAX_PERIODS = 20


@dataclass(frozen=True, kw_only=True)
class Period:
    """What is kept of a period that is over.

    Attributes
    ----------
    version, seal : of the model
    ended : seconds since 1970
    sentence : how things stood
    """

    version: str
    seal: str
    ended: float
    n_records: int
    n_labels: int
    n_alarms: int
    n_incidents: int
    sentence: str
    incidents: tuple[Incident, ...] = ()
    accuracy: dict[str, Estimate]

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Period:
        """Inverse of `dataclasses.asdict`."""
        incidents = tuple(map(Incident.from_dict, said["incidents"]))
        accuracy = {name: Estimate(**one) for name, one in said["accuracy"].items()}
        return cls(**{**said, "incidents": incidents, "accuracy": accuracy})
