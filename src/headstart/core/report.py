"""Score, Section and Report: what was measured, on how many items, with what interval; one section per stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from headstart.core import registry
from headstart.core.decoding import decode
from headstart.core.report_format_1 import to_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

Verdict = Literal["transfer helps", "no significant gain", "transfer hurts", "not proven", "nothing transferred"]
NOTHING_TRANSFERRED: Verdict = "nothing transferred"
"""No model had a pretrained part, because no source reads the data or none was wanted."""

FORMAT = 2
KIND = "report_sections"  # kind of registered part: section classes by name


@dataclass(frozen=True, kw_only=True)
class Score:
    """A measured quantity with its 95 % interval.

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
        """Rebuild a score from JSON, where a non-finite number is null."""
        score: Score = decode(cls, fields)
        return score


@dataclass(frozen=True, kw_only=True)
class BaselineResult:
    """A baseline's score on the held-out items, and the model's paired gain over it (positive: the model is better).

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
    """What one stage reports: a frozen dataclass with JSON and a renderer.

    A subclass sets `section_name` and registers under that name in the group `headstart.report_sections`. Its method
    `rendering(report)`, if it has one, draws it (`headstart.reporting.Rendering`). Its fields are plain values, dataclasses, and
    tuples and dicts of those, so that `from_dict` reads back what `to_dict` wrote. A field `notices` is added to `Report.notices`.
    """

    section_name: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Rebuild a section from `to_dict` or its JSON; fields that this version does not know are dropped."""
        section: Self = decode(cls, fields)
        return section


AnySection = TypeVar("AnySection", bound=Section)


@dataclass(frozen=True)
class Report:
    """The sections of all stages; `report.json` is this object.

    `report.evaluation` is the section of that name; `report.get(EvaluationSection)` is the same with its type. `unknown` keeps the
    sections of plugins that are not installed, as plain dicts by name.
    """

    sections: tuple[Section, ...]
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Report({', '.join([*(section.section_name for section in self.sections), *self.unknown])})"

    def __getattr__(self, name: str) -> Any:
        sections = (
            () if name.startswith("_") or name == "sections" else self.sections
        )  # copying asks before they are set
        for section in sections:
            if section.section_name == name:
                return section
        held = ", ".join(section.section_name for section in sections)
        raise AttributeError(f"this report has no section '{name}'. It has: {held}.")

    def __getitem__(self, kind: type[AnySection]) -> AnySection:
        """The section of a class; KeyError if there is none."""
        section = self.get(kind)
        if section is None:
            raise KeyError(kind.section_name)
        return section

    def get(self, kind: type[AnySection]) -> AnySection | None:
        """The section of a class; None if there is none."""
        return next((section for section in self.sections if isinstance(section, kind)), None)

    def with_section(self, *added: Section) -> Report:
        """A copy with these sections, each replacing an older one of its name."""
        by_name = {section.section_name: section for section in (*self.sections, *added)}
        return Report(tuple(by_name.values()), self.unknown)

    @property
    def notices(self) -> tuple[dict[str, Any], ...]:
        """The notices of all sections, in their order."""
        return tuple(notice for section in self.sections for notice in getattr(section, "notices", ()))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        known = {section.section_name: section.to_dict() for section in self.sections}
        return {"format": FORMAT, "sections": {**known, **self.unknown}}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Report:
        """Rebuild a report from `to_dict`, its JSON, or the flat JSON of the first format."""
        registered = set(registry.names(KIND))
        found = read_sections(fields)
        sections = (registry.get(KIND, name).from_dict(one) for name, one in found.items() if name in registered)
        return cls(tuple(sections), {name: one for name, one in found.items() if name not in registered})


def read_sections(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a `report.json` of any format as plain dicts, without importing their classes."""
    return dict(fields["sections"]) if "sections" in fields else to_sections(fields)
