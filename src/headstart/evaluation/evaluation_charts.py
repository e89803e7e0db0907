"""The charts of an evaluation."""

from __future__ import annotations

import json
import textwrap
from itertools import accumulate
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

_CELL_PX, _LARGE_CELL_PX = 24, 72
_MATRIX_PX = 240  # within which cells grow where there are few labels
_LABEL_LETTERS = 20  # a line of a long label
_LINE_PX = 16
_GAP_PX = 8  # between the labels of two rows
_UPRIGHT_LETTERS = 9  # that fit under a large cell


def scores(model: Score, baselines: Sequence[BaselineResult], model_name: str, deployed: str) -> Spec:
    """Draw the scores of the model and of each baseline, with intervals; what is packed is named so."""
    packed = {one.name: f"{one.name} (packed)" if one.name == deployed else one.name for one in baselines}
    is_model = all(name != deployed for name in packed)
    rows = [estimate_row(f"{model_name} (packed)" if is_model else model_name, model, ACCENT)]
    rows += [estimate_row(packed[one.name], one.score, BASELINE) for one in baselines]
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
    """Draw the confusion matrix: one row per true class, shaded by the share of the row.

    Labels are whole. Where one of them takes several lines, its row is as high as they are, rows are numbered, and columns have the numbers
    alone.
    """
    are_long = any(len(label) > _LABEL_LETTERS for label in labels)
    lines = [_wrapped(f"{i}. {label}" if are_long else label) for i, label in enumerate(labels, start=1)]
    cell_px = max(_CELL_PX, min(_LARGE_CELL_PX, _MATRIX_PX // len(labels)))
    heights = [max(cell_px, _LINE_PX * len(one) + _GAP_PX) for one in lines]
    ends = list(accumulate(heights, initial=0))
    rows = [
        {"column": j, "top": ends[i], "middle": ends[i] + heights[i] // 2, "bottom": ends[i + 1], "n": n, "share": n / max(sum(row), 1), "right": i == j}
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
    ]  # fmt: skip
    is_narrow = cell_px < _LARGE_CELL_PX or any(len(label) > _UPRIGHT_LETTERS for label in labels)
    columns = {j: str(j + 1) if are_long else label for j, label in enumerate(labels)}
    x_axis = {**_label_axis(columns), "orient": "bottom", "labelAngle": -60 if is_narrow and not are_long else 0}
    x = {"field": "column", "type": "ordinal", "axis": x_axis}
    y = {
        "field": "top",
        "type": "quantitative",
        "scale": {"domain": [0, ends[-1]], "reverse": True, "nice": False},
        "axis": _label_axis(_lines_at(lines, ends)),
    }
    shade = {
        "color": {"condition": {"test": "datum.right", "value": ACCENT}, "value": BASELINE},
        "fillOpacity": {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.04, 0.75]}},
    }
    numbers = {"mark": {"type": "text", "color": INK, "fontSize": 13}, "transform": [{"filter": "datum.n > 0"}]}
    return {
        "data": {"values": rows},
        "width": {"step": cell_px},
        "height": ends[-1],
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": PAPER, "strokeWidth": 2},
                "encoding": {"y": y, "y2": {"field": "bottom"}, **shade},
            },
            {**numbers, "encoding": {"y": {**y, "field": "middle"}, "text": {"field": "n", "type": "quantitative"}}},
        ],
    }


def _lines_at(lines: Sequence[Sequence[str]], ends: Sequence[int]) -> dict[int, str]:
    """Each line of each label by its place from the top, in pixels, in the middle of the label's row."""
    return {
        (ends[i] + ends[i + 1] + _LINE_PX * (2 * k + 1 - len(one))) // 2: line
        for i, one in enumerate(lines)
        for k, line in enumerate(one)
    }


def _label_axis(names: Mapping[int, str]) -> Spec:
    """An axis with these names at these values."""
    return {
        "grid": False,
        "title": None,
        "values": list(names),
        "labelExpr": f"{json.dumps({str(value): name for value, name in names.items()})}[datum.value]",
        "labelColor": INK,
        "labelLimit": 0,
        "labelOverlap": False,
        "labelFontSize": 13,
    }


def _wrapped(label: str) -> list[str]:
    """A label in lines, whole."""
    return textwrap.wrap(label, _LABEL_LETTERS) or [label]


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
    size = {"field": "n", "type": "quantitative", "scale": {"range": [30, 240]}, "legend": None}
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
