"""Render a report as an HTML page and as a model card, from the renderings of its sections."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.core.strict_json import plain
from headstart.reporting import wording
from headstart.reporting.drawing import draw
from headstart.reporting.rendering import Rendered, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Environment

    from headstart.core.report import Report, Section
    from headstart.reporting.rendering import Part, Rendering

_MACROS = ("figure", "gallery", "shown", "stacked")
_NO_SUMMARY = Summary(
    subject="a model", sentence="This report holds no evaluation.", verdict="not proven", caution=True
)


@dataclass(frozen=True)
class _Chapter:
    """A heading with its rendered parts."""

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Drawn:
    """A section with its rendering."""

    section: Section
    rendering: Rendering


def render(report: Report) -> str:
    """Render the report as one self-contained HTML page without scripts, for light, dark and print.

    Raises
    ------
    MissingExtraError
        jinja2 or vl-convert is not installed.
    """
    environment = _environment(autoescape=True)
    macros: Any = environment.get_template("macros.html.j2").module
    environment.globals |= {name: getattr(macros, name) for name in _MACROS}
    report, drawn = _drawn(report)
    figures = (figure for one in drawn for figure in one.rendering.figures)
    return environment.get_template("page.html.j2").render(
        summary=_summary(drawn),
        figures=sorted(figures, key=lambda figure: figure.order),
        callouts=[callout for one in drawn for callout in one.rendering.callouts],
        chapters=_chapters(environment, report, [(one.section, part) for one in drawn for part in one.rendering.page]),
    )


def render_top(report: Report) -> str:
    """Render the verdict and the key figures as a fragment of HTML, for a notebook.

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    """
    _, drawn = _drawn(report)
    figures = sorted((figure for one in drawn for figure in one.rendering.figures), key=lambda figure: figure.order)
    template = _environment(autoescape=True).get_template("top.html.j2")
    return template.render(summary=_summary(drawn), figures=figures)


def render_card(report: Report) -> str:
    """Render the model card: what the model is and is for, its scores, data, limits, and how to use it."""
    environment = _environment(autoescape=False)
    report, drawn = _drawn(report)
    chapters = _chapters(environment, report, [(one.section, part) for one in drawn for part in one.rendering.card])
    card = environment.get_template("card.md.j2").render(summary=_summary(drawn), chapters=chapters)
    return re.sub(r"\n{3,}", "\n\n", card).rstrip() + "\n"


def _drawn(report: Report) -> tuple[Report, list[_Drawn]]:
    """The report as plain JSON values, and the renderings of its sections."""
    report = replace(report, sections=tuple(type(one).from_dict(plain(one.to_dict())) for one in report.sections))
    return report, [_Drawn(one, one.rendering(report)) for one in report.sections if isinstance(one, Rendered)]


def _summary(drawn: Sequence[_Drawn]) -> Summary:
    return next((one.rendering.summary for one in drawn if one.rendering.summary), _NO_SUMMARY)


def page_style() -> str:
    """The style of all pages, light and dark."""
    return resources.files("headstart.reporting").joinpath("page.css").read_text("utf-8")


def _chapters(environment: Environment, report: Report, parts: Iterable[tuple[Section, Part]]) -> list[_Chapter]:
    """Render the parts in order; parts with the same title share the chapter of the first."""
    by_title: dict[str, list[tuple[Section, Part]]] = {}
    for section, part in sorted(parts, key=lambda pair: pair[1].order):
        by_title.setdefault(part.title, []).append((section, part))
    return [_Chapter(title, _columns(environment, report, members)) for title, members in by_title.items()]


def _columns(environment: Environment, report: Report, parts: list[tuple[Section, Part]]) -> tuple[str, ...]:
    columns: list[str] = []
    for section, part in parts:
        filled = _filled(environment, report, section, part)
        if part.below and columns:
            columns[-1] += filled
        else:
            columns.append(filled)
    return tuple(columns)


def _filled(environment: Environment, report: Report, section: Section, part: Part) -> str:
    from markupsafe import Markup

    charts = {name: Markup(draw(spec)) for name, spec in part.charts.items()}  # noqa: S704 - drawn here, escaped by Vega
    template = environment.from_string(part.template)
    context = template.new_context({"section": section, "report": report, "charts": charts, **part.values})
    block = template.blocks[part.block] if part.block else template.root_render_func
    return Markup("".join(block(context)))  # noqa: S704 - made by a template, which escapes


def _environment(*, autoescape: bool) -> Environment:
    require("jinja2", extra="train", purpose="drawing the report")
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # nothing is escaped in Markdown, so the card uses the filter `plain` for names
    environment = Environment(
        loader=PackageLoader("headstart.reporting", package_path=""),
        autoescape=autoescape,  # noqa: S701 - off for Markdown alone
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["wording"] = wording
    environment.filters["plain"] = _plain
    environment.filters["formatted"] = _formatted
    return environment


def _plain(text: Any) -> str:
    r"""Escape a user's text for Markdown.

    >>> _plain("a|b <script>")
    'a\\|b &lt;script&gt;'
    """
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + letter if letter in "\\|*_`[]#" else letter for letter in line)


def _formatted(value: Any) -> str:
    """Format a true or predicted value: one label, several, or a number."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return wording.number(value)
