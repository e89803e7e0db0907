"""Places of levels in a table of all categories: of each field a place for new levels, one a level, and one for missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.arithmetic import Value

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder


def level_places(codes: FloatArray, n_levels: IntArray) -> IntArray:
    """Give the place of each code, shape (n, n_fields).

    Parameters
    ----------
    codes : shape (n, n_fields), -1 for a new level, NaN where a value is missing
    n_levels : of each field

    >>> level_places(np.array([[0.0, np.nan], [-1.0, 1.0]]), np.array([3, 2])).tolist()
    [[1, 8], [0, 7]]
    """
    return np.asarray((np.where(np.isnan(codes), n_levels, codes) + _first(n_levels)).astype(np.int64))


def add_places(graph: GraphBuilder, codes: str, n_levels: IntArray) -> str:
    """Add the nodes of `level_places`."""
    x = Value(graph, codes, "float32")
    known = x.constant(n_levels).where(x.apply("IsNaN").typed("bool"), x)
    return (known.cast("int64") + _first(n_levels)).name


def _first(n_levels: IntArray) -> IntArray:
    """The place of the first level of each field."""
    return np.append(0, np.cumsum(n_levels + 2))[:-1] + 1
