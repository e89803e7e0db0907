"""The charts of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.reporting.charts import (
    ACCENT,
    BASELINE,
    INK,
    PAPER,
    WIDTH_PX,
    diagonal,
    dot_and_whisker,
    estimate_row,
    filled,
)
from headstart.reporting.wording import axis_factor, axis_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.report import BaselineResult, Score
    from headstart.reporting.charts import Rows, Spec

_CELL_PX = 24


def scores(model: Score, baselines: Sequence[BaselineResult], model_name: str) -> Spec:
    """Draw the scores of the model and of each baseline, with intervals."""
    rows = [estimate_row(model_name, model, ACCENT)]
    rows += [estimate_row(baseline.name, baseline.score, BASELINE) for baseline in baselines]
    return dot_and_whisker(rows, axis_title(model))


def gains(baselines: Sequence[BaselineResult]) -> Spec:
    """Draw the paired gain over each baseline, with intervals."""
    rows = [estimate_row(f"over {baseline.name}", baseline.gain, ACCENT, signed=True) for baseline in baselines]
    return dot_and_whisker(rows, axis_title(baselines[0].gain, signed=True), zero=True)


def estimates(by_name: Mapping[str, Score], test: Score) -> Spec:
    """Draw the estimates from the training part next to the score on held-out items."""
    rows = [estimate_row(name, score, BASELINE if name == "naive" else ACCENT) for name, score in by_name.items()]
    return dot_and_whisker([*rows, estimate_row("held out (the truth)", test, INK)], axis_title(test))


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
        "width": WIDTH_PX - 60,
        "height": 220,
        "layer": [
            {"mark": {"type": "area", "color": ACCENT, "opacity": 0.16}, "encoding": band},
            {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
            {"mark": {**filled("circle", ACCENT), "size": 60, "opacity": 1}, "encoding": {"x": x, "y": y}},
        ],
    }


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Spec:
    """Draw the confusion matrix: one row per true class, shaded by the share of the row."""
    names = [f"{i}\t{label}" for i, label in enumerate(labels)]  # labels may look equal once they are truncated
    rows = [
        {"true": names[i], "predicted": names[j], "n": n, "share": n / max(sum(row), 1), "right": i == j}
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
    ]
    axis = {
        "grid": False,
        "title": None,
        "labelExpr": "split(datum.label, '\t')[1]",
        "labelColor": INK,
        "labelLimit": 110,
        "labelFontSize": 13,
    }
    x = {**axis, "orient": "bottom", "labelAngle": -60}
    encoding = {
        "y": {"field": "true", "type": "nominal", "sort": names, "axis": axis},
        "x": {"field": "predicted", "type": "nominal", "sort": names, "axis": x},
    }
    shade = {
        "color": {"condition": {"test": "datum.right", "value": ACCENT}, "value": BASELINE},
        "fillOpacity": {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.04, 0.75]}},
    }
    numbers = {"mark": {"type": "text", "color": INK, "fontSize": 13}, "transform": [{"filter": "datum.n > 0"}]}
    return {
        "data": {"values": rows},
        "width": {"step": _CELL_PX},
        "height": {"step": _CELL_PX},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "rect", "cornerRadius": 3, "stroke": PAPER, "strokeWidth": 2}, "encoding": shade},
            {**numbers, "encoding": {"text": {"field": "n", "type": "quantitative"}}},
        ],
    }


def reliability(bins: Rows) -> Spec:
    """Draw how often the model is right against its confidence; on the diagonal it is calibrated."""
    unit = {
        "scale": {"domain": [0, 1]},
        "type": "quantitative",
        "axis": {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]},
    }
    encoding = {
        "x": {"field": "confidence", "title": "confidence of the model", **unit},
        "y": {"field": "accuracy", "title": "how often it is right", **unit},
    }
    size = {"field": "n", "type": "quantitative", "scale": {"range": [30, 500]}, "legend": None}
    return {
        "width": WIDTH_PX - 70,
        "height": WIDTH_PX - 70,
        "layer": [
            diagonal([0.0, 1.0]),
            {"data": {"values": bins}, "encoding": encoding, "mark": {"type": "line", "color": ACCENT}},
            {"data": {"values": bins}, "encoding": {**encoding, "size": size}, "mark": filled("circle", ACCENT)},
        ],
    }


def residuals(points: Rows, target: str) -> Spec:
    """Draw predicted against true values; on the diagonal the prediction is exact."""
    ends = [f([p[key] for p in points for key in ("true", "predicted")]) for f in (min, max)]
    encoding = {
        "x": {"field": "true", "type": "quantitative", "title": f"true {target}", "scale": {"zero": False}},
        "y": {"field": "predicted", "type": "quantitative", "title": f"predicted {target}", "scale": {"zero": False}},
    }
    mark = {**filled("circle", ACCENT), "size": 24, "opacity": 0.45}
    return {
        "width": WIDTH_PX - 70,
        "height": WIDTH_PX - 70,
        "layer": [diagonal(ends), {"data": {"values": points}, "encoding": encoding, "mark": mark}],
    }
