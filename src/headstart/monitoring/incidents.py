"""Incidents: alarms of one change, from the first one until it is over. Detectors know nothing of them, so there are never more than alarms.

An alarm belongs to an open incident if it names a number that is named there or differed from the reference at one of its alarms, if it is of
losses, or, in its first 1,000 records, if what it shows began soon after the alarm before it: then the change stayed. Another number is another
incident. One that a person knows of takes only what it has named, so that anything else opens another.

An incident is over when its numbers could not be told from the reference for long enough. Ranks hold the changed records too, so that the
return is itself a change to the detectors; alarms of such a number belong to what is over as long as its last values look like the reference.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.incident import RETURNED, Incident, Phase
from headstart.monitoring.labelling import N_RECENT
from headstart.monitoring.returning import Return, counted, differs
from headstart.monitoring.statistics import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.ensemble import Member
    from headstart.monitoring.findings import Alarm

MAX_INCIDENTS = 20
QUIET_RECORDS = 1_000
"""Like the reference, after which an incident is over; at least three times as many as it took to find it. Labels, where losses rose."""
_TIMES = 3
_SOON = 0.5  # of the way from one alarm to the next


class Incidents:
    """Those of one watch, the last 20.

    Attributes
    ----------
    kept : the oldest first
    n : how many there were
    returns : of those that are open, by number: of records, and of labels
    """

    def __init__(self) -> None:
        self.kept: deque[Incident] = deque(maxlen=MAX_INCIDENTS)
        self.n = 0
        self.returns: dict[int, tuple[Return, Return]] = {}

    @property
    def open(self) -> list[Incident]:
        """Those that are not over, the newest first."""
        return [one for one in reversed(self.kept) if one.is_open]

    def take(self, alarm: Alarm, members: Sequence[Member] = (), recent: Sequence[FloatArray] = ()) -> None:
        """Put an alarm where it belongs.

        Parameters
        ----------
        members : of the detector that raised it
        recent : the last values, shape (n_members,) each
        """
        values = np.array(recent, np.float64).reshape(len(recent), len(members))
        moved = {one.name for one, column in zip(members, values.T, strict=True) if differs(one, counted(one, column))}
        owner = next((one for one in self.open if _belongs(alarm, one)), None)
        if owner is None and members and alarm.name not in moved:
            owner = next((one for one in reversed(self.kept) if one.has_returned and one.concerns(alarm.name)), None)
        if owner is None:
            self.n += 1
            owner = Incident.of(alarm, self.n)
            self.kept.append(owner)
            self.returns[self.n] = Return(), Return()
            self._replace(owner, replace(owner, moved=tuple(sorted(moved))))
            return
        is_shown = not members or alarm.group == LABELS or owner.names(alarm.name) or alarm.name in moved
        joined = owner.joined_by(alarm) if is_shown else owner.counting(alarm)
        self._replace(owner, replace(joined, moved=tuple(sorted(moved.union(owner.moved)))))

    def see(
        self, values: FloatArray, members: Sequence[Member], *, are_labels: bool, place: int, at: float | None
    ) -> None:
        """Look at values, shape (n, n_members), and end what has returned to the reference.

        Parameters
        ----------
        place : records so far
        at : seconds since 1970, where it is known
        """
        for one in self.open:
            self.returns[one.number][are_labels].see(values, members, one.watched(are_labels=are_labels))
            if all(_is_back(one, self.returns[one.number][of], are_labels=of) for of in (False, True)):
                self._end(
                    one,
                    f"{RETURNED}{_needed(one):,} {'labels' if not one.last_record else 'records'}",
                    record=place,
                    at=at,
                )

    def know(self, words: str, number: int | None = None) -> bool:
        """Note that a person knows of one, or of all that are open; tell whether there was any."""
        found = [one for one in self.open if not one.known and number in (None, one.number)]
        for one in found:
            self._replace(one, replace(one, known=words))
        return bool(found)

    def end(self, why: str, *, record: int, at: float | None) -> None:
        """All that are open are over."""
        for one in self.open:
            self._end(one, why, record=record, at=at)

    def told(self, phases: Mapping[int, Iterable[Phase]]) -> None:
        """Note what was told, by number."""
        for one in list(self.kept):
            self._replace(one, one.told_of(phases.get(one.number, ())))

    def to_dict(self) -> dict[str, Any]:
        """The state."""
        returns = {str(number): [one.to_dict() for one in both] for number, both in self.returns.items()}
        return {"kept": [asdict(one) for one in self.kept], "n": self.n, "returns": returns}

    def restore(self, said: Mapping[str, Any]) -> None:
        """Take the state of `to_dict`."""
        self.kept.extend(map(Incident.from_dict, said["kept"]))
        self.n = said["n"]
        for number, (records, labels) in said["returns"].items():
            self.returns[int(number)] = Return.from_dict(records), Return.from_dict(labels)

    def _end(self, one: Incident, why: str, *, record: int, at: float | None) -> None:
        self._replace(one, replace(one, ended=why, ended_record=record, ended_time=at))
        del self.returns[one.number]

    def _replace(self, one: Incident, other: Incident) -> None:
        self.kept[self.kept.index(one)] = other


def _belongs(alarm: Alarm, incident: Incident) -> bool:
    if incident.concerns(alarm.name) and (not incident.known or incident.names(alarm.name)):
        return True
    if incident.known:
        return False
    if alarm.group == LABELS or not incident.last_record:
        return True
    began, gap = alarm.since - incident.last_record, alarm.record - incident.last_record
    is_young = alarm.record - incident.opened.record <= QUIET_RECORDS or incident.opened.group == LABELS
    return is_young and began <= max(N_RECENT, _SOON * gap)


def _needed(incident: Incident) -> int:
    """Records, or labels, that look like the reference, after which it is over."""
    return max(QUIET_RECORDS, _TIMES * (incident.opened.record - incident.opened.since + 1))


def _is_back(incident: Incident, returned: Return, *, are_labels: bool) -> bool:
    """Whether the records, or the labels, look as they did for long enough; those that showed nothing do."""
    names = incident.watched(are_labels=are_labels)
    return not names or (returned.n >= _needed(incident) and returned.tells(names))
