"""Rendering: what a section adds to the page and to the model card."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.report import Report
    from headstart.reporting.charts import Spec


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The head of the page: what the report is about, its sentence, its verdict (in warm colours for `caution`), and how it was found."""

    subject: str
    sentence: str
    verdict: str
    caution: bool = False
    lead: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A large figure at the head of the page, a line that says what it is, and a second one; sorted by `order`."""

    order: int
    value: str
    caption: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the page or of the model card.

    Attributes
    ----------
    order : parts are sorted by it; those of Headstart stand at 100, 200, …
    title : the heading; parts that share one stand under it together, on the page side by side
    template : Jinja, in HTML for the page and in Markdown for the card; it sees `section`, `report`, `wording`, `values` by their
        names, drawn `charts`, and the macros of `macros.html.j2`
    block : which block of the template; all of it, if not given
    charts : Vega-Lite specifications by name
    below : under the part before it instead of beside it
    """

    order: int
    title: str
    template: str
    block: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    charts: Mapping[str, Spec] = field(default_factory=dict)
    below: bool = False


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """All that a section adds; `callouts` are sentences that stand out at the head of the page."""

    summary: Summary | None = None
    figures: tuple[Figure, ...] = ()
    callouts: tuple[str, ...] = ()
    page: tuple[Part, ...] = ()
    card: tuple[Part, ...] = ()


@runtime_checkable
class Rendered(Protocol):
    """A section that can be drawn."""

    def rendering(self, report: Report) -> Rendering:
        """What it adds to the page and to the model card of a report."""


@cache
def template_of(module: str, ending: str) -> str:
    """Read the template that lies beside a module under its name: `template_of(__name__, "html")`."""
    package, _, name = module.rpartition(".")
    return resources.files(package).joinpath(f"{name}.{ending}.j2").read_text(encoding="utf-8")
