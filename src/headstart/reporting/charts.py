"""Building blocks of all charts: Vega-Lite specifications for a phone-width column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.reporting.wording import amount, axis_factor, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.report import Score

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

# Vega needs literal colors: each of these stands for a CSS variable, so that one chart works in light, dark and print
VARIABLES = {
    "#000001": "var(--ink)",
    "#000002": "var(--muted)",
    "#000003": "var(--rule)",
    "#000004": "var(--accent)",
    "#000005": "var(--baseline)",
    "#000006": "var(--paper)",
}
INK, MUTED, RULE, ACCENT, BASELINE, PAPER = VARIABLES
WIDTH_PX = 320  # a phone's column, where text keeps its size
_ROW_PX = 46
_INTERVAL_PX = 102
_LETTER_PX = 7.5  # of an interval's text, at most
_AMOUNT_PX = 58


def estimate_row(name: str, score: Score, colour: str, *, signed: bool = False) -> dict[str, Any]:
    """A row of `dot_and_whisker`: a name and a score, with its formatted value and interval."""
    factor = axis_factor(score)
    return {
        "name": name,
        "colour": colour,
        **{key: getattr(score, key) * factor for key in ("value", "low", "high")},
        "amount": amount(score, signed=signed),
        "interval": interval(score, signed=signed),
    }


def dot_and_whisker(rows: Rows, title: str, *, zero: bool = False) -> Spec:
    """One row per estimate, with its name and numbers on a line above, so that it fits on a phone."""
    numbered = [{**row, "row": i} for i, row in enumerate(rows)]
    y = {"field": "row", "type": "ordinal", "axis": None}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    scale = {"zero": False, "padding": 12}
    x = {"field": "value", "type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 5}}
    whisker = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour}
    # a mark a row, as a line through all rows would strike through their names
    at_zero = {"type": "tick", "size": 20, "thickness": 1.25, "color": MUTED, "yOffset": 6}
    at_origin = {"datum": 0, **{key: part for key, part in x.items() if key != "field"}}
    interval_px = max(_INTERVAL_PX, _LETTER_PX * max(len(row["interval"]) for row in rows))
    return {
        "data": {"values": numbered},
        "width": WIDTH_PX,
        "height": {"step": _ROW_PX},
        "layer": [
            *([{"mark": at_zero, "encoding": {"x": at_origin, "y": y}}] if zero else []),
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55, "yOffset": 6}, "encoding": whisker},
            {
                "mark": {"type": "circle", "size": 130, "opacity": 1, "yOffset": 6},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            *_line_of_text("name", y, {"align": "left", "x": 0, "limit": WIDTH_PX - interval_px - _AMOUNT_PX}),
            *_line_of_text("amount", y, {"align": "right", "x": WIDTH_PX - interval_px, "fontWeight": "bold"}),
            *_line_of_text("interval", y, {"align": "right", "x": WIDTH_PX, "fontSize": 12}),
        ],
    }


def diagonal(ends: Sequence[float]) -> Spec:
    """A dashed diagonal where both axes are equal."""
    rows = [{"a": end} for end in ends]
    axes = {axis: {"field": "a", "type": "quantitative"} for axis in ("x", "y")}
    return {"data": {"values": rows}, "mark": {**rule(MUTED), "type": "line", "strokeDash": [4, 4]}, "encoding": axes}


def filled(kind: str, colour: str) -> Spec:
    """A mark in one colour."""
    return {"type": kind, "color": colour, "opacity": 0.9}


def rule(colour: str) -> Spec:
    """A thin line in one colour."""
    return {"type": "rule", "color": colour, "strokeWidth": 1.25}


def _line_of_text(field: str, y: Spec, mark: Spec) -> list[Spec]:
    """A text on a halo of paper, so that no line of the grid runs through it."""
    letters = {"type": "text", "yOffset": -11, "fontSize": 13, "baseline": "middle", **mark}
    halo = {**letters, "color": PAPER, "stroke": PAPER, "strokeWidth": 5, "strokeJoin": "round"}
    encoding = {"y": y, "text": {"field": field, "type": "nominal"}}
    return [{"mark": halo, "encoding": encoding}, {"mark": {**letters, "color": INK}, "encoding": encoding}]
