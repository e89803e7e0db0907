"""ColumnReader as ONNX nodes: levels are looked up, dates taken apart, numbers rounded to single precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.arithmetic import Value
from headstart.sources.preprocessors.columns import CATEGORY, DATE, LIMIT, UNSEEN
from headstart.sources.preprocessors.date_parts import DAY_S, SATURDAY, YEAR_2000_S, YEAR_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.columns import Column, ColumnReader


def add_nodes(
    graph: GraphBuilder,
    preprocessor: ColumnReader,
    items: str | Mapping[str, str],
    *,
    are_files: bool,  # noqa: ARG001
) -> dict[str, str]:
    """Read columns, each (batch,): strings of categories, numbers in any precision, dates as seconds in double precision."""
    parts: list[Value] = []
    for column in preprocessor.columns:
        value = items if isinstance(items, str) else items[column.name]
        if column.holds == CATEGORY:
            parts.append(_code(graph, value, column))
        elif column.holds == DATE:
            parts += _date_parts(Value(graph, value, "float64"))
        else:
            parts.append(Value(graph, value).cast("float32"))
    joined = graph.op("Concat", *(part.shaped(-1, 1).name for part in parts), axis=1)
    return {"columns": _bounded(Value(graph, joined, "float32")).name}


def _code(graph: GraphBuilder, strings: str, column: Column) -> Value:
    keys, codes = [*column.levels, ""], [*map(float, range(len(column.levels))), float("nan")]
    found = graph.op(
        "LabelEncoder",
        strings,
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_floats=codes,
        default_float=UNSEEN,
    )
    return Value(graph, found, "float32")


def _date_parts(seconds: Value) -> list[Value]:
    """The formulas of `date_parts`, in double precision."""
    days = (seconds - YEAR_2000_S) / DAY_S
    year, day = days / YEAR_DAYS, days.floor()
    week = day + SATURDAY
    weekday = week - (week / 7).floor() * 7
    late = weekday - (SATURDAY - 1)
    clock = days - day
    parts = [days, _wave(year), _wave(year + 0.25), weekday, (late + late.apply("Abs")) / 2]
    return [part.cast("float32") for part in (*parts, clock * 24, _wave(clock), _wave(clock + 0.25))]


def _wave(turns: Value) -> Value:
    return (turns - turns.floor() - 0.5).apply("Abs") * 4 - 1


def _bounded(x: Value) -> Value:
    """Bound what is not missing: a comparison with NaN is false, while what Clip makes of it is nowhere said."""
    limit = np.float32(LIMIT)
    x = x.constant(limit).where(x > limit, x)
    return x.constant(-limit).where(x < -limit, x)
