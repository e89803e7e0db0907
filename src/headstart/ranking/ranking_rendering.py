"""Draw a ranking: why this source was chosen among the others."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, MUTED, PAPER, RIVAL, WIDTH_PX, rule

if TYPE_CHECKING:
    from headstart.ranking.result import Ranking
    from headstart.reporting.charts import Rows, Spec


def render(ranking: Ranking) -> Rendering:
    """The table of sources and the frontier of evidence against time; nothing where there was no choice."""
    if len(ranking.sources) < 2:
        return Rendering()
    measured = [
        {**asdict(source.score), "metric": source.score.name, "latency_ms": source.latency_ms}
        for source in ranking.sources
        if source.score is not None
    ]
    charts = {"frontier": frontier(measured)} if len(measured) > 1 else {}
    template = template_of(__name__, "html")
    return Rendering(page=(Part(order=1200, title="Why this source", template=template, charts=charts),))


def frontier(sources: Rows) -> Spec:
    """Draw the evidence for ranked sources against their time for one item; nothing lies above and left of the frontier.

    `sources` are numbered in their order: {value, low, high, latency_ms}; the first is the chosen one.
    """
    rows = [{**source, "number": str(i + 1), "colour": RIVAL if i else ACCENT} for i, source in enumerate(sources)]
    best = [
        row for row in rows if row["value"] == max(r["value"] for r in rows if r["latency_ms"] <= row["latency_ms"])
    ]
    x_scale = {"type": "log", "nice": False, "padding": 24}
    x = {"field": "latency_ms", "type": "quantitative", "title": "ms for one item (log)", "scale": x_scale}
    x["axis"] = {"tickCount": 4, "format": "~g"}
    y = {"field": "value", "type": "quantitative", "title": sources[0]["metric"], "scale": {"zero": False}}
    whisker = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    dot = {"x": x, "y": y, "color": {"field": "colour", "type": "nominal", "scale": None}}
    number = {"x": x, "y": y, "text": {"field": "number", "type": "nominal"}}
    line = {"type": "line", "interpolate": "step-after", "color": ACCENT, "strokeWidth": 2, "opacity": 0.6}
    return {
        "data": {"values": rows},
        "width": WIDTH_PX - 60,
        "height": 220,
        "layer": [
            {"mark": rule(MUTED), "encoding": whisker},
            {"data": {"values": best}, "mark": line, "encoding": {"x": x, "y": y}},
            {"mark": {"type": "circle", "size": 260, "opacity": 1}, "encoding": dot},
            {"mark": {"type": "text", "color": PAPER, "fontSize": 12, "fontWeight": "bold"}, "encoding": number},
        ],
    }
