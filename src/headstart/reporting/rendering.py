"""Rendering: what a section adds to the page and the model card."""

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
    """The top of the page: subject, sentence, verdict (in warm colors for `caution`), and how it was determined."""

    subject: str
    sentence: str
    verdict: str
    caution: bool = False
    lead: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A key figure at the top of the page, with a caption and a detail line; sorted by `order`."""

    order: int
    value: str
    caption: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the page or of the model card.

    Attributes
    ----------
    order : parts are sorted by it; Headstart's own are at 100, 200, …
    title : the heading; parts with the same one share it, side by side on the page
    template : Jinja template, HTML for the page and Markdown for the card; it can use `section`, `report`, `wording`, `charts`,
        the names in `values`, and the macros of `macros.html.j2`
    block : the block of the template to render; all of it by default
    charts : Vega-Lite specifications by name
    below : place it below the previous part instead of beside it
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
    """Everything that a section adds; `callouts` are highlighted sentences at the top of the page."""

    summary: Summary | None = None
    figures: tuple[Figure, ...] = ()
    callouts: tuple[str, ...] = ()
    page: tuple[Part, ...] = ()
    card: tuple[Part, ...] = ()


@runtime_checkable
class Rendered(Protocol):
    """A section that can be rendered."""

    def rendering(self, report: Report) -> Rendering:
        """What it adds to the page and the model card of a report."""


@cache
def template_of(module: str, ending: str) -> str:
    """Read the template next to a module with the same name: `template_of(__name__, "html")`."""
    package, _, name = module.rpartition(".")
    return resources.files(package).joinpath(f"{name}.{ending}.j2").read_text(encoding="utf-8")
