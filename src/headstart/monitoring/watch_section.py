"""The watch as a section of a report: the page is made of aggregates, so it stays small however many records were seen."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Section
from headstart.monitoring.findings import Alarm, Break, Change, Estimate
from headstart.monitoring.incident import Incident
from headstart.monitoring.periods import Period
from headstart.reporting import Figure, Part, Rendering, Summary, template_of
from headstart.reporting.charts import ACCENT, BASELINE, INK, MUTED, WIDTH_PX, rule

if TYPE_CHECKING:
    from headstart.monitoring.verdict import WatchVerdict
    from headstart.reporting.charts import Spec

_N_DRAWN = 12
_MAX_LETTERS = 30
_COLOURS = {"moved": ACCENT, "undecided": MUTED, "steady": BASELINE}


@dataclass(frozen=True, kw_only=True)
class WatchSection(Section):
    """What a watch found; the fields are those of `WatchVerdict`, and the `name` of the model."""

    section_name: ClassVar[str] = "watch"

    name: str
    status: str
    sentence: str
    budget: str
    n_records: int
    n_labels: int
    evidence: float
    threshold: float
    alarms: tuple[Alarm, ...] = ()
    incidents: tuple[Incident, ...] = ()
    since: int = 1
    changes: tuple[Change, ...] = ()
    accuracy: dict[str, Estimate]
    label_shares: dict[str, Estimate]
    answers: dict[str, Estimate]
    black_box_shares: dict[str, Estimate] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    course: tuple[dict[str, Any], ...] = ()
    made_of: str = ""
    version: str = ""
    seal: str = ""
    periods: tuple[Period, ...] = ()

    @classmethod
    def of(cls, verdict: WatchVerdict, name: str) -> WatchSection:
        """Put a verdict into a report."""
        return cls(name=name, **{one.name: getattr(verdict, one.name) for one in fields(verdict)})

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The verdict and its figures at the head, then alarms, what moved, answers, accuracy and quality."""
        lead = (
            f"{self.n_records:,} records and {self.n_labels:,} labels, compared with {self.made_of}"
            if self.made_of
            else ""
        )
        return Rendering(
            summary=Summary(
                subject=self.name,
                sentence=self.sentence,
                verdict=self.status,
                caution=self.status in ("alarm", "broken"),
                lead=lead,
            ),
            figures=tuple(_figures(self)),
            page=tuple(_page(self)),
        )


def _figures(section: WatchSection) -> list[Figure]:
    n_open = sum(one.is_open for one in section.incidents)
    caption = "open incident" if n_open == 1 else "open incidents"
    found = [Figure(order=100, value=f"{n_open:,}", caption=caption, detail=section.budget)]
    for order, (name, one) in enumerate(section.accuracy.items(), start=2):
        before = "" if one.reference is None else f"; {shown(one.reference)} when proven"
        caption = (
            f"{'error' if one.value > 1 else 'accuracy'}, {name}"
            if name != "previous label"
            else "if every answer were the previous label"
        )
        found.append(
            Figure(
                order=order * 100,
                value=shown(one.value),
                caption=caption,
                detail=f"{shown(one.low)} to {shown(one.high)}{before}",
            )
        )
    return found


def _page(section: WatchSection) -> list[Part]:
    template = template_of(__name__, "html")
    words = {"shown": shown, "moment": moment, "shares": _shares(section)}

    def part(order: int, title: str, block: str, **charts: Spec) -> Part:
        return Part(order=order, title=title, template=template, block=block, charts=charts, values=words)

    parts = []
    if section.incidents:
        parts.append(part(100, "Incidents", "incidents"))
    if section.breaks:
        parts.append(part(150, "Quality of the records", "breaks"))
    units = {one.unit for one in section.changes}
    if units:
        charts = {
            unit.split()[0]: changes_chart([one for one in section.changes if one.unit == unit][:_N_DRAWN], unit)
            for unit in sorted(units)
        }
        parts.append(part(200, "What moved, and how far", "changes", **charts))
    if section.course:
        parts.append(part(300, "Accuracy along the records", "accuracy", course=course_chart(section.course)))
    if words["shares"]:
        parts.append(part(400, "Answers and labels", "answers"))
    if section.periods:
        parts.append(part(500, "Earlier periods", "periods"))
    return parts


def _shares(section: WatchSection) -> list[dict[str, Any]]:
    rows = []
    for label, one in list(section.answers.items())[:_N_DRAWN]:
        rows.append(
            {
                "label": label,
                "answer": one,
                "true": section.label_shares.get(label),
                "black_box": section.black_box_shares.get(label),
            }
        )
    return rows


def shown(value: float | None) -> str:
    """A figure: percent of what is at most 1.

    >>> shown(0.8371), shown(12.3456), shown(None)
    ('83.7 %', '12.3', '-')
    """
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if abs(value) <= 1 else f"{value:.3g}"


def moment(seconds: float | None) -> str:
    """A time in UTC; '' where none is known.

    >>> moment(0.0), moment(None)
    ('1970-01-01 00:00 UTC', '')
    """
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def changes_chart(changes: list[Change], unit: str) -> Spec:
    """A dot and its interval for each, the farthest first; a line at no change."""
    factor, title = (100.0, "change of the share, points") if unit == "share" else (1.0, f"change, {unit}")
    rows = [
        {
            "name": short(one.name),
            "value": factor * one.change,
            "low": factor * one.low,
            "high": factor * one.high,
            "colour": _COLOURS[one.size],
        }
        for one in changes
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelColor": INK, "labelFontSize": 13, "labelLimit": 190, "grid": False},
    }
    colour = {"field": "colour", "type": "nominal", "scale": None}
    x = {"field": "value", "type": "quantitative", "title": title, "axis": {"tickCount": 4}}
    return {
        "data": {"values": rows},
        "width": WIDTH_PX - 130,
        "height": {"step": 26},
        "layer": [
            {"mark": rule(MUTED), "encoding": {"x": {"datum": 0, "type": "quantitative"}}},
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55}, "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "circle", "size": 90, "opacity": 1}, "encoding": {"y": y, "x": x, "color": colour}},
        ],
    }  # fmt: skip


def course_chart(course: tuple[dict[str, Any], ...]) -> Spec:
    """Estimated and measured accuracy along the records, by blocks of them."""
    x = {"field": "at", "type": "quantitative", "title": "record", "axis": {"tickCount": 5}}
    y = {
        "field": "percent",
        "type": "quantitative",
        "title": "accuracy, %",
        "scale": {"zero": False},
        "axis": {"tickCount": 5},
    }
    rows = [{**one, "percent": 100 * one["value"]} for one in course]
    layers = [
        {
            "transform": [{"filter": f"datum.series === '{series}'"}],
            "mark": {"type": "line", "color": colour, "strokeWidth": 2, "point": {"color": colour, "size": 24}},
            "encoding": {"x": x, "y": y},
        }
        for series, colour in (("estimated", BASELINE), ("measured", ACCENT))
    ]
    return {"data": {"values": rows}, "width": WIDTH_PX - 60, "height": 180, "layer": layers}


def short(name: str) -> str:
    """A name that fits beside a chart."""
    return name if len(name) <= _MAX_LETTERS else name[: _MAX_LETTERS - 1] + "…"
