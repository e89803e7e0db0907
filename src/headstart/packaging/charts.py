"""The pictures of a report: Vega-Lite specifications drawn as static SVG whose colours follow the page."""

from __future__ import annotations

import re
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.packaging.strict_json import to_json
from headstart.packaging.wording import amount, axis_factor, axis_title, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.report import RivalResult, Score

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

# Vega wants real colours: each of these stands for a CSS variable, so that one picture serves light, dark and print
_VARIABLES = {
    "#000001": "var(--ink)",
    "#000002": "var(--muted)",
    "#000003": "var(--rule)",
    "#000004": "var(--accent)",
    "#000005": "var(--rival)",
    "#000006": "var(--paper)",
}
_INK, _MUTED, _RULE, _ACCENT, _RIVAL, _PAPER = _VARIABLES
_WIDTH_PX = 320  # a phone's column: there the letters keep their size
_ROW_PX = 46
_INTERVAL_PX = 102
_AMOUNT_PX = 58
_CELL_PX = 24
_AXIS = {
    "labelColor": _MUTED,
    "titleColor": _MUTED,
    "domain": False,
    "gridColor": _RULE,
    "ticks": False,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "labelPadding": 6,
    "titlePadding": 10,
}


def draw(spec: Spec) -> str:
    """Render one specification as an SVG element without fixed size, ids or outside references.

    Raises
    ------
    MissingExtraError
        vl-convert is not installed.
    """
    vl_convert = require("vl_convert", extra="train", purpose="drawing the report")
    config = {"axis": _AXIS, "view": {"stroke": None}, "background": None, "aria": False, "font": "sans-serif"}
    svg: str = vl_convert.vegalite_to_svg(to_json({**spec, "config": config, "padding": 2}))
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"{variable}"')
    # the size is the page's affair; only the shape (viewBox) is the picture's
    return re.sub(r'^(<svg[^>]*?) width="([\d.]+)" height="[\d.]+"', r'\1 style="max-width:calc(\2px * 1.35)"', svg)


def start_drawing() -> None:
    """Start the drawing engine in a thread of its own: it takes most of a second, better spent beside other work."""
    if find_spec("vl_convert") is not None:  # who lacks it is told when the pictures are drawn
        threading.Thread(target=draw, args=({"mark": "point", "data": {"values": []}},), daemon=True).start()


def scores(model: Score, rivals: Sequence[RivalResult], model_name: str) -> Spec:
    """Draw the score of the model and of each rival, with intervals."""
    rows = [_row(model_name, model, _ACCENT)]
    rows += [_row(rival.name, rival.score, _RIVAL) for rival in rivals]
    return _dot_and_whisker(rows, axis_title(model))


def gains(rivals: Sequence[RivalResult]) -> Spec:
    """Draw the paired gain over each rival, with intervals, about zero."""
    rows = [_row(f"over {rival.name}", rival.gain, _ACCENT, signed=True) for rival in rivals]
    return _dot_and_whisker(rows, axis_title(rivals[0].gain, signed=True), zero=True)


def estimates(by_name: Mapping[str, Score], held_out: Score) -> Spec:
    """Draw what the training part alone foretold beside what the held-out items then said."""
    rows = [_row(name, score, _RIVAL if name == "naive" else _ACCENT) for name, score in by_name.items()]
    return _dot_and_whisker([*rows, _row("held out (the truth)", held_out, _INK)], axis_title(held_out))


def rungs(gains: Mapping[str, tuple[Score, bool]]) -> Spec:
    """Draw the paired gain of each rung over the one below, with intervals, about zero, and whether it was kept."""
    rows = [_row(name, gain, _ACCENT if kept else _RIVAL, signed=True) for name, (gain, kept) in gains.items()]
    first, _ = next(iter(gains.values()))
    return _dot_and_whisker(rows, axis_title(first, signed=True), zero=True)


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Spec:
    """Draw the confusion matrix: a row a true class, shaded by its share of the row."""
    names = [f"{i}\t{label}" for i, label in enumerate(labels)]  # two labels may read alike once they are cut short
    rows = [
        {"true": names[i], "predicted": names[j], "n": n, "share": n / max(sum(row), 1), "right": i == j}
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
    ]
    axis = {
        "grid": False,
        "title": None,
        "labelExpr": "split(datum.label, '\t')[1]",
        "labelColor": _INK,
        "labelLimit": 110,
        "labelFontSize": 13,
    }
    x = {**axis, "orient": "bottom", "labelAngle": -60}
    encoding = {
        "y": {"field": "true", "type": "nominal", "sort": names, "axis": axis},
        "x": {"field": "predicted", "type": "nominal", "sort": names, "axis": x},
    }
    shade = {
        "color": {"condition": {"test": "datum.right", "value": _ACCENT}, "value": _RIVAL},
        "fillOpacity": {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.04, 0.75]}},
    }
    numbers = {"mark": {"type": "text", "color": _INK, "fontSize": 13}, "transform": [{"filter": "datum.n > 0"}]}
    return {
        "data": {"values": rows},
        "width": {"step": _CELL_PX},
        "height": {"step": _CELL_PX},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "rect", "cornerRadius": 3, "stroke": _PAPER, "strokeWidth": 2}, "encoding": shade},
            {**numbers, "encoding": {"text": {"field": "n", "type": "quantitative"}}},
        ],
    }


def reliability(bins: Rows) -> Spec:
    """Draw how often the model is right against how sure it says it is; on the diagonal it tells the truth."""
    unit = {
        "scale": {"domain": [0, 1]},
        "type": "quantitative",
        "axis": {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]},
    }
    encoding = {
        "x": {"field": "confidence", "title": "how sure the model says it is", **unit},
        "y": {"field": "accuracy", "title": "how often it is right", **unit},
    }
    size = {"field": "n", "type": "quantitative", "scale": {"range": [30, 500]}, "legend": None}
    return {
        "width": _WIDTH_PX - 70,
        "height": _WIDTH_PX - 70,
        "layer": [
            _diagonal([0.0, 1.0]),
            {"data": {"values": bins}, "encoding": encoding, "mark": {"type": "line", "color": _ACCENT}},
            {"data": {"values": bins}, "encoding": {**encoding, "size": size}, "mark": _filled("circle", _ACCENT)},
        ],
    }


def residuals(points: Rows, target: str) -> Spec:
    """Draw predicted against true values; on the diagonal the prediction is exact."""
    ends = [f([p[key] for p in points for key in ("true", "predicted")]) for f in (min, max)]
    encoding = {
        "x": {"field": "true", "type": "quantitative", "title": f"true {target}", "scale": {"zero": False}},
        "y": {"field": "predicted", "type": "quantitative", "title": f"predicted {target}", "scale": {"zero": False}},
    }
    mark = {**_filled("circle", _ACCENT), "size": 24, "opacity": 0.45}
    return {
        "width": _WIDTH_PX - 70,
        "height": _WIDTH_PX - 70,
        "layer": [_diagonal(ends), {"data": {"values": points}, "encoding": encoding, "mark": mark}],
    }


def learning_curve(points: Rows, metric: Score) -> Spec:
    """Draw the score against the number of labelled items, with intervals."""
    sizes = [point["n_items"] for point in points]
    factor = axis_factor(metric)
    points = [{"n_items": p["n_items"], **{key: p[key] * factor for key in ("value", "low", "high")}} for p in points]
    scale = {"type": "log", "domain": [min(sizes), max(sizes)], "nice": False, "padding": 10}
    x_axis = {"values": sizes, "format": ",d", "labelOverlap": True}
    x = {"field": "n_items", "type": "quantitative", "title": "labelled items (log)", "scale": scale, "axis": x_axis}
    y_axis = {"title": axis_title(metric), "axis": {"tickCount": 5}}
    y = {"field": "value", "type": "quantitative", "scale": {"zero": False}, **y_axis}
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return {
        "data": {"values": points},
        "width": _WIDTH_PX - 60,
        "height": 220,
        "layer": [
            {"mark": {"type": "area", "color": _ACCENT, "opacity": 0.16}, "encoding": band},
            {"mark": {"type": "line", "color": _ACCENT, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
            {"mark": {**_filled("circle", _ACCENT), "size": 60, "opacity": 1}, "encoding": {"x": x, "y": y}},
        ],
    }


def frontier(sources: Rows) -> Spec:
    """Draw the evidence for ranked sources against their time for one item; nothing lies above and left of the frontier.

    `sources` are numbered in their order: {value, low, high, latency_ms}; the first is the chosen one.
    """
    rows = [{**source, "number": str(i + 1), "colour": _RIVAL if i else _ACCENT} for i, source in enumerate(sources)]
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
    line = {"type": "line", "interpolate": "step-after", "color": _ACCENT, "strokeWidth": 2, "opacity": 0.6}
    return {
        "data": {"values": rows},
        "width": _WIDTH_PX - 60,
        "height": 220,
        "layer": [
            {"mark": _rule(_MUTED), "encoding": whisker},
            {"data": {"values": best}, "mark": line, "encoding": {"x": x, "y": y}},
            {"mark": {"type": "circle", "size": 260, "opacity": 1}, "encoding": dot},
            {"mark": {"type": "text", "color": _PAPER, "fontSize": 12, "fontWeight": "bold"}, "encoding": number},
        ],
    }


def _row(name: str, score: Score, colour: str, *, signed: bool = False) -> dict[str, Any]:
    factor = axis_factor(score)
    return {
        "name": name,
        "colour": colour,
        **{key: getattr(score, key) * factor for key in ("value", "low", "high")},
        "amount": amount(score, signed=signed),
        "interval": interval(score, signed=signed),
    }


def _dot_and_whisker(rows: Rows, title: str, *, zero: bool = False) -> Spec:
    """One row an estimate: its name and figures on a line of their own, so that nothing is squeezed on a phone."""
    numbered = [{**row, "row": i} for i, row in enumerate(rows)]
    y = {"field": "row", "type": "ordinal", "axis": None}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    scale = {"zero": False, "padding": 12}
    x = {"field": "value", "type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 5}}
    whisker = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour}
    line_at_zero = {"data": {"values": [{"value": 0}]}, "mark": _rule(_MUTED), "encoding": {"x": x}}
    return {
        "data": {"values": numbered},
        "width": _WIDTH_PX,
        "height": {"step": _ROW_PX},
        "layer": [
            *([line_at_zero] if zero else []),
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55, "yOffset": 6}, "encoding": whisker},
            {
                "mark": {"type": "circle", "size": 130, "opacity": 1, "yOffset": 6},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            _line_of_text("name", y, {"align": "left", "x": 0, "limit": _WIDTH_PX - _INTERVAL_PX - _AMOUNT_PX}),
            _line_of_text("amount", y, {"align": "right", "x": _WIDTH_PX - _INTERVAL_PX, "fontWeight": "bold"}),
            _line_of_text("interval", y, {"align": "right", "x": _WIDTH_PX, "fontSize": 12}),
        ],
    }


def _line_of_text(field: str, y: Spec, mark: Spec) -> Spec:
    letters = {"type": "text", "yOffset": -11, "fontSize": 13, "baseline": "middle", "color": _INK, **mark}
    return {"mark": letters, "encoding": {"y": y, "text": {"field": field, "type": "nominal"}}}


def _diagonal(ends: Sequence[float]) -> Spec:
    rows = [{"a": end} for end in ends]
    axes = {axis: {"field": "a", "type": "quantitative"} for axis in ("x", "y")}
    return {"data": {"values": rows}, "mark": {**_rule(_MUTED), "type": "line", "strokeDash": [4, 4]}, "encoding": axes}


def _filled(kind: str, colour: str) -> Spec:
    return {"type": kind, "color": colour, "opacity": 0.9}


def _rule(colour: str) -> Spec:
    return {"type": "rule", "color": colour, "strokeWidth": 1.25}
