"""Score, Section and Report: what was measured, on how much, how sure it is; one section a stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from headstart.core import registry
from headstart.core.decoding import decode
from headstart.core.report_format_1 import to_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

Verdict = Literal["transfer helps", "no significant gain", "transfer hurts", "not proven"]

FORMAT = 2
KIND = "report_sections"  # of registered parts: the name of a section and its class


@dataclass(frozen=True, kw_only=True)
class Score:
    """One measured quantity with its 95 % interval.

    `unit` is 'fraction', 'nats', or the unit of the target; `n` counts the items it was measured on.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = "fraction"
    n: int = 0

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Score:
        """Make a score again from JSON: a number that is not finite is null there."""
        score: Score = decode(cls, fields)
        return score


@dataclass(frozen=True, kw_only=True)
class BaselineResult:
    """A baseline's score on the same held-out items, and the model's paired gain over it (positive: the model is better).

    `name` is for machines, `title` for sentences.
    """

    name: str
    title: str = ""
    score: Score
    gain: Score
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one stage reports: a frozen dataclass, JSON, and one renderer.

    A subclass names itself in `section_name` and registers under that name in the group `headstart.report_sections`. It is drawn
    by its method `rendering(report)`, if it has one (`headstart.reporting.Rendering`). Its fields are plain values, dataclasses,
    and tuples and dicts of those, so that `from_dict` reads back what `to_dict` wrote. A field `notices` joins `Report.notices`.
    """

    section_name: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Make a section again from `to_dict`, or from its JSON; fields that this version does not know are left out."""
        section: Self = decode(cls, fields)
        return section


AnySection = TypeVar("AnySection", bound=Section)


@dataclass(frozen=True)
class Report:
    """The sections of all stages; `report.json` is this object.

    `report.evaluation` is the section of that name, `report.get(EvaluationSection)` the same with its type. `unknown` keeps what
    an installation without the plugin cannot read, as plain dicts by the name of the section.
    """

    sections: tuple[Section, ...]
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        sections = () if name.startswith("_") or name == "sections" else self.sections  # a copy asks before it has them
        for section in sections:
            if section.section_name == name:
                return section
        held = ", ".join(section.section_name for section in sections)
        raise AttributeError(f"this report has no section '{name}'. It has: {held}.")

    def __getitem__(self, kind: type[AnySection]) -> AnySection:
        """The section of a class; a KeyError where there is none."""
        section = self.get(kind)
        if section is None:
            raise KeyError(kind.section_name)
        return section

    def get(self, kind: type[AnySection]) -> AnySection | None:
        """The section of a class; None where there is none."""
        return next((section for section in self.sections if isinstance(section, kind)), None)

    def with_section(self, *added: Section) -> Report:
        """The same with these sections, each in the place of an older one of its name."""
        by_name = {section.section_name: section for section in (*self.sections, *added)}
        return Report(tuple(by_name.values()), self.unknown)

    @property
    def notices(self) -> tuple[dict[str, Any], ...]:
        """What all sections noticed, in their order."""
        return tuple(notice for section in self.sections for notice in getattr(section, "notices", ()))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        known = {section.section_name: section.to_dict() for section in self.sections}
        return {"format": FORMAT, "sections": {**known, **self.unknown}}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Report:
        """Make a report again from `to_dict`, from its JSON, or from the flat JSON of the first format."""
        registered = set(registry.names(KIND))
        found = read_sections(fields)
        sections = (registry.get(KIND, name).from_dict(one) for name, one in found.items() if name in registered)
        return cls(tuple(sections), {name: one for name, one in found.items() if name not in registered})


def read_sections(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a `report.json` of any format as plain dicts, without importing their classes."""
    return dict(fields["sections"]) if "sections" in fields else to_sections(fields)
