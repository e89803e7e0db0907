"""The columns of a table in the report: how much the answers move with each, and how many of its cells are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Section
from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, BASELINE, INK, WIDTH_PX, filled

if TYPE_CHECKING:
    from headstart.reporting.charts import Spec

_N_DRAWN = 15
_MAX_LETTERS = 24
_LETTER_PX = 7.6  # of 13 px, in the wider of usual fonts
_MAX_EXTENT_PX = 180
PROBABILITY = "probability of"
_MS = 1_000  # of a second, which charts count in


@dataclass(frozen=True, kw_only=True)
class ColumnEffect:
    """One column.

    Attributes
    ----------
    missing : share of its cells that are missing
    change : mean change of the answer if its cells are shuffled among the rows: of probabilities as a fraction, else in the units of the target
    is_time : whether its values are seconds since 1970
    curve : {at, value}, the mean answer if all rows had the value `at`; empty where it is not drawn
    """

    name: str
    modality: str
    missing: float
    change: float
    is_time: bool = False
    curve: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ColumnsSection(Section):
    """What each column does to the answers of what ships.

    Attributes
    ----------
    columns : the strongest first
    answer : what the curves are of: 'probability of yes', or the target
    n_rows : of the data, that were asked about
    """

    section_name: ClassVar[str] = "columns"

    columns: tuple[ColumnEffect, ...] = ()
    answer: str = ""
    n_rows: int = 0

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The strength of the columns, and a curve for each of the strongest."""
        if not self.columns:
            return Rendering()
        is_share = self.answer.startswith(PROBABILITY)
        drawn = {"effects": _effects(self.columns[:_N_DRAWN], is_share=is_share)}
        curves = [one for one in self.columns if one.curve]
        drawn |= {f"curve{i}": _curve(one, self.answer, is_share=is_share) for i, one in enumerate(curves)}
        missing = sorted((one for one in self.columns if one.missing > 0), key=lambda one: -one.missing)
        if missing:
            drawn["missing"] = _missing(missing[:_N_DRAWN])
        values = {"curves": [one.name for one in curves], "n_left_out": max(0, len(self.columns) - _N_DRAWN)}
        template = template_of(__name__, "html")
        return Rendering(
            page=(Part(order=450, title="What the columns do", template=template, charts=drawn, values=values),)
        )


def _effects(columns: tuple[ColumnEffect, ...], *, is_share: bool) -> Spec:
    rows = [{"name": _short(one.name), "change": one.change} for one in columns]
    return _bars(rows, "change", "mean change of the answer", axis=_axis(is_share=is_share))


def _missing(columns: list[ColumnEffect]) -> Spec:
    rows = [{"name": _short(one.name), "missing": one.missing} for one in columns]
    return _bars(rows, "missing", "share of cells that are missing", axis=_axis(is_share=True), colour=BASELINE)


def _axis(*, is_share: bool) -> Spec:
    """Few ticks: their labels must not meet."""
    return {"tickCount": 3, **({"format": ".3~%"} if is_share else {"format": ".4~g"})}


def _names(names: list[str], **more: Any) -> Spec:
    """An axis of names, wide enough in any font."""
    extent = min(_MAX_EXTENT_PX, round(_LETTER_PX * max(map(len, names), default=0)))
    return {
        "title": None,
        "labelColor": INK,
        "labelFontSize": 13,
        "labelLimit": _MAX_EXTENT_PX,
        "minExtent": extent,
        **more,
    }


def _bars(rows: list[dict[str, Any]], field: str, title: str, *, axis: Spec, colour: str = ACCENT) -> Spec:
    names = _names([row["name"] for row in rows], grid=False)
    return {
        "data": {"values": rows},
        "width": WIDTH_PX - 20 - names["minExtent"],
        "height": {"step": 26},
        "mark": {**filled("bar", colour), "height": 14},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "axis": names},
            "x": {"field": field, "type": "quantitative", "title": title, "axis": axis},
        },
    }


def _curve(one: ColumnEffect, answer: str, *, is_share: bool) -> Spec:
    is_number = isinstance(one.curve[0]["at"], float)
    points = [{**point, "at": point["at"] if is_number else _short(str(point["at"]))} for point in one.curve]
    axis = _axis(is_share=is_share)
    y = {"field": "value", "type": "quantitative", "title": answer, "scale": {"zero": False}, "axis": axis}
    if is_number:
        x = {"field": "at", "type": "quantitative", "title": one.name, "scale": {"zero": False}}
        if one.is_time:
            points = [{**point, "at": point["at"] * _MS} for point in points]
            x |= {"type": "temporal", "scale": {"type": "utc"}}
        x["axis"] = {"tickCount": 4}
        layer = [
            {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
            {"mark": {**filled("circle", ACCENT), "size": 36}, "encoding": {"x": x, "y": y}},
        ]
        return {"data": {"values": points}, "width": WIDTH_PX - 70, "height": 150, "layer": layer}
    names = _names([point["at"] for point in points])
    return {
        "data": {"values": points},
        "width": WIDTH_PX - 20 - names["minExtent"],
        "height": {"step": 24},
        "mark": {**filled("circle", ACCENT), "size": 80},
        "encoding": {
            "y": {
                "field": "at",
                "type": "nominal",
                "sort": None,
                "axis": names,
            },
            "x": y,
        },
    }


def _short(name: str) -> str:
    return name if len(name) <= _MAX_LETTERS else name[: _MAX_LETTERS - 1] + "…"
