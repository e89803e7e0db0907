"""Incident: one change, as its alarms show it, from the first one until it is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from headstart.monitoring.findings import Alarm, moved_words
from headstart.monitoring.statistics import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RETURNED = "nothing differed from the reference in "
Phase = Literal["opened", "hurts", "ended"]

_N_WATCHED = 8
_N_SAID = 3


@dataclass(frozen=True, kw_only=True)
class Named:
    """A number that alarms of an incident named.

    Attributes
    ----------
    alarm : the first of them
    n_alarms : of them so far
    weight : the sum of its shares of their evidence
    """

    alarm: Alarm
    n_alarms: int = 1
    weight: float


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One change, as far as it is known.

    Attributes
    ----------
    number : from 1, in the order in which they opened
    named : the numbers that moved, the largest term of the evidence first; the first of them is the culprit
    opened : the first alarm
    moved : numbers that differed from the reference at one of its alarms, named or not
    n_alarms : that belong to it; `last_record` and `last_label` are where the last ones were raised, 0 where there is none
    known : what the person said who knows of it; '' where nobody does
    ended : why it is over; '' while it is not. `ended_record` and `ended_time` (seconds since 1970) say when
    told : phases that were told to those who are to know
    """

    number: int
    named: tuple[Named, ...]
    opened: Alarm
    moved: tuple[str, ...] = ()
    n_alarms: int = 1
    last_record: int = 0
    last_label: int = 0
    known: str = ""
    ended: str = ""
    ended_record: int = 0
    ended_time: float | None = None
    told: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return not self.ended

    @property
    def needs_a_person(self) -> bool:
        """Whether it is not over, and nobody has said to know of it."""
        return self.is_open and not self.known

    @property
    def culprit(self) -> Alarm:
        """The first alarm of the number with the largest term."""
        return self.named[0].alarm

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What has happened to it: 'opened', 'hurts' where losses rose after records had moved, 'ended'."""
        found: list[Phase] = ["opened"]
        if self.opened.group != LABELS and self.last_label:
            found.append("hurts")
        return (*found, "ended") if self.ended else tuple(found)

    @property
    def news(self) -> tuple[Phase, ...]:
        """Phases that were not told."""
        return tuple(one for one in self.phases if one not in self.told)

    @property
    def sentence(self) -> str:
        """What moved, since when, and what else shows it."""
        one, what = self.culprit, "label" if self.culprit.group == LABELS else "record"
        since = min(other.alarm.since for other in self.named if (other.alarm.group == LABELS) == (what == "label"))
        said = f"{one.name[:1].upper()}{one.name[1:]} is {moved_words(one.name, one.direction)} than in the reference, about since {what} {since:,}"
        opened = "label" if self.opened.group == LABELS else "record"
        said = f"{said} (alarm at {opened} {self.opened.record:,})."
        others = [
            f"{other.alarm.name} ({moved_words(other.alarm.name, other.alarm.direction)})" for other in self.named[1:]
        ]
        if others:
            more = f" and {len(others) - _N_SAID:,} more" if len(others) > _N_SAID else ""
            said = f"{said} Also: {', '.join(others[:_N_SAID])}{more}."
        return f"{said} Over: {self.ended}." if self.ended else said

    @property
    def has_returned(self) -> bool:
        """Whether it is over since the records look like the reference again."""
        return self.ended.startswith(RETURNED)

    def names(self, name: str) -> bool:
        """Whether a number is named in it."""
        return any(one.alarm.name == name for one in self.named)

    def concerns(self, name: str) -> bool:
        """Whether a number is named in it, or was seen to differ at one of its alarms."""
        return name in self.moved or self.names(name)

    def watched(self, *, are_labels: bool) -> list[str]:
        """The numbers that must return for it to be over: of the losses, or all others; the largest terms."""
        return [one.alarm.name for one in self.named if (one.alarm.group == LABELS) == are_labels][:_N_WATCHED]

    def told_of(self, phases: Iterable[Phase]) -> Incident:
        """The incident, after some of its phases were told."""
        return replace(self, told=(*self.told, *(one for one in phases if one not in self.told)))

    def joined_by(self, alarm: Alarm) -> Incident:
        """The incident with one alarm more."""
        found = {one.alarm.name: one for one in self.named}
        before = found.get(alarm.name)
        found[alarm.name] = (
            Named(alarm=alarm, weight=alarm.share)
            if before is None
            else replace(before, n_alarms=before.n_alarms + 1, weight=before.weight + alarm.share)
        )
        named = tuple(sorted(found.values(), key=lambda one: -one.weight))
        return replace(self.counting(alarm), named=named)

    def counting(self, alarm: Alarm) -> Incident:
        """The incident with one alarm more, that names nothing: its number looks as it did, among changed ones it does not."""
        is_loss = alarm.group == LABELS
        return replace(
            self,
            n_alarms=self.n_alarms + 1,
            last_record=self.last_record if is_loss else alarm.record,
            last_label=alarm.record if is_loss else self.last_label,
        )

    @classmethod
    def of(cls, alarm: Alarm, number: int) -> Incident:
        """Open one."""
        is_loss = alarm.group == LABELS
        return cls(
            number=number,
            named=(Named(alarm=alarm, weight=alarm.share),),
            opened=alarm,
            last_record=0 if is_loss else alarm.record,
            last_label=alarm.record if is_loss else 0,
        )

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Incident:
        """Inverse of `dataclasses.asdict`."""
        named = tuple(Named(**{**one, "alarm": Alarm.from_dict(one["alarm"])}) for one in said["named"])
        return cls(
            **{
                **said,
                "named": named,
                "moved": tuple(said["moved"]),
                "opened": Alarm.from_dict(said["opened"]),
                "told": tuple(said["told"]),
            }
        )
