"""What every report section promises: `headstart.core.report.Section`."""

from __future__ import annotations

import copy
import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.report import Report, Section
from headstart.core.strict_json import to_json
from headstart.reporting.page import render, render_card
from headstart.reporting.rendering import Rendered, Rendering
from headstart.testing.checks import expect, expect_equal
from headstart.testing.tiny_report import DATA

if TYPE_CHECKING:
    from headstart.testing.checks import Subject


def cases(subject: Subject) -> dict[str, SectionChecks]:
    """The section of the example is the only case."""
    return {"": SectionChecks(subject.name, subject.part, subject.example)}


@dataclass(frozen=True)
class SectionChecks:
    """A section alone and in a report beside the data."""

    name: str
    kind: type[Section]
    section: Section

    def check_has_its_registered_name(self) -> None:
        """It is a section and has the name under which it is registered."""
        expect(issubclass(self.kind, Section), f"Expected a subclass of Section, got {self.kind.__name__}.")
        expect_equal(self.kind.section_name, self.name, "its name")
        expect_equal(type(self.section), self.kind, "the class of the example")

    def check_is_frozen(self) -> None:
        """It is a frozen dataclass."""
        frozen = dataclasses.is_dataclass(self.kind) and self.kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        expect(frozen, f"Expected a frozen dataclass, got {self.kind.__name__}.")

    def check_survives_json(self) -> None:
        """It is the same after JSON."""
        fields = self._fields()
        expect_equal(_plain(self.kind.from_dict(fields)), fields, "its fields after JSON")

    def check_ignores_fields_of_later_versions(self) -> None:
        """Fields that it does not know are left out."""
        fields = self._fields()
        expect_equal(_plain(self.kind.from_dict({**fields, "of a later version": 1})), fields, "its fields")

    def check_is_copied(self) -> None:
        """A copy equals it."""
        expect_equal(copy.deepcopy(self.section), self.section, "a copy")

    def check_is_drawn(self) -> None:
        """After JSON it is drawn beside the section of the data, on a page and on a card, unless it has no renderer."""
        if not isinstance(self.section, Rendered):
            return
        report = Report((DATA,)).with_section(self.kind.from_dict(self._fields()))
        expect(isinstance(self.section.rendering(report), Rendering), "Expected a `Rendering`, got something else.")
        expect(render(report), "Expected a page, got nothing.")
        expect(render_card(report), "Expected a card, got nothing.")

    def _fields(self) -> Any:
        return _plain(self.section)


def _plain(section: Section) -> Any:
    return json.loads(to_json(section.to_dict()))
