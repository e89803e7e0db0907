"""Draw a report as one HTML page, and as the model card of a bundle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.core.report import Score
from headstart.data.modalities import get_modality
from headstart.packaging import charts, wording
from headstart.packaging.strict_json import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from headstart.core.report import Report
    from headstart.packaging.bundle_schema import Schema

_MAX_MATRIX = 20  # labels: a larger matrix cannot be read, its worst pairs can
_MAX_PAIRS = 5
_TEMPLATES = {"page": "page.html.j2", "card": "card.md.j2"}
_LOOSE = (
    "pictures",
    "candidates",
    "curve",
    "notices",
    "card",
    "ranking",
    "rungs",
    "timing",
)  # dicts, which may hold NumPy
_EXAMPLES = ("per_label", "mistakes", "suspects", "duplicate_groups")
_STAGES = ("load", "rank", "embed", "adapt", "tune", "prove", "package")


def render(report: Report) -> str:
    """Draw the report as one self-contained HTML page: no script, no network, light, dark and print.

    Raises
    ------
    MissingExtraError
        jinja2 or vl-convert is not installed.
    """
    report = replace(report, **{name: plain(getattr(report, name)) for name in _LOOSE})
    environment = _environment(autoescape=True)
    from markupsafe import Markup

    pictures = {name: Markup(charts.draw(spec)) for name, spec in _specs(report).items()}  # noqa: S704 - drawn here, escaped by Vega
    return environment.get_template(_TEMPLATES["page"]).render(
        report=report,
        charts=pictures,
        examples={name: report.pictures.get(name) or [] for name in _EXAMPLES},
        pairs=_confused_pairs(report),
        stages=_stages(report.timing),
        rungs=_rungs(report),
        wording=wording,
    )


def render_card(report: Report, schema: Schema) -> str:
    """Write the model card: what the model is, for what, how good, on what data, with what limits, and how to use it."""
    template = _environment(autoescape=False).get_template(_TEMPLATES["card"])
    return template.render(report=report, schema=schema, modality=get_modality(schema.modality), wording=wording)


def _environment(*, autoescape: bool) -> Environment:
    require("jinja2", extra="train", purpose="drawing the report")
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # the card is Markdown, where nothing is escaped: `plain` keeps names on their line and out of the markup
    environment = Environment(
        loader=PackageLoader("headstart.packaging", package_path=""),
        autoescape=autoescape,  # noqa: S701 - off for Markdown alone
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["plain"] = _plain
    environment.filters["said"] = _said
    return environment


def _specs(report: Report) -> dict[str, charts.Spec]:
    """Choose the charts for what this report holds."""
    pictures, specs = report.pictures, {}
    if report.rivals:
        specs["scores"] = charts.scores(report.metric, report.rivals, "the model")
        specs["gains"] = charts.gains(report.rivals)
    if report.estimates:
        specs["estimates"] = charts.estimates(report.estimates, report.metric)
    if pictures.get("confusion") and len(pictures["confusion"]["labels"]) <= _MAX_MATRIX:
        specs["confusion"] = charts.confusion(**pictures["confusion"])
    if pictures.get("reliability"):
        specs["reliability"] = charts.reliability(pictures["reliability"])
    if pictures.get("residuals"):
        specs["residuals"] = charts.residuals(pictures["residuals"], " ".join(report.labels))
    measured = [{**s["score"], "metric": s["score"]["name"], **s} for s in report.ranking if s["score"]]
    if len(measured) > 1:
        specs["frontier"] = charts.frontier(measured)
    if gains := {rung["name"]: (rung["gain"], rung["kept"]) for rung in _rungs(report) if rung["gain"]}:
        specs["rungs"] = charts.rungs(gains)
    known = [point for point in report.curve if point["value"] is not None]
    if len(known) > 1:
        specs["curve"] = charts.learning_curve(known, report.metric)
    return specs


def _confused_pairs(report: Report) -> list[dict[str, Any]]:
    """Find the confusions that happen most: the true label, the predicted one, how often, out of how many."""
    matrix = report.pictures.get("confusion")
    if not matrix:
        return []
    labels, counts = matrix["labels"], matrix["counts"]
    pairs = [
        {"true": labels[i], "predicted": labels[j], "n": n, "of": sum(row)}
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(pairs, key=lambda pair: -pair["n"])[:_MAX_PAIRS]


def _rungs(report: Report) -> list[dict[str, Any]]:
    """The rungs with their scores as such."""
    return [
        {**rung, **{key: Score.from_dict(rung[key]) if rung[key] else None for key in ("metric", "gain")}}
        for rung in report.rungs
    ]


def _stages(timing: Mapping[str, Any]) -> list[dict[str, Any]]:
    seconds = timing.get("seconds") or {}
    total = sum(seconds.get(stage, 0.0) for stage in _STAGES) or 1.0
    return [
        {"name": stage, "seconds": seconds[stage], "share": seconds[stage] / total}
        for stage in _STAGES
        if stage in seconds
    ]


def _plain(text: Any) -> str:
    r"""Keep a user's word from acting as Markdown.

    >>> _plain("a|b <script>")
    'a\\|b &lt;script&gt;'
    """
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + letter if letter in "\\|*_`[]#" else letter for letter in line)


def _said(value: Any) -> str:
    """Say a true or predicted value: one label, several, or a number."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return wording.number(value)
