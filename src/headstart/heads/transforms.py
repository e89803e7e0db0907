"""Feature transforms of a head: elementwise or rowwise, without fitted parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder

_MIN_NORM = 1e-12
_CELLS_AT_ONCE = 2**18
_EXPONENT = 0.75  # of "power": between identity and square root


@dataclass(frozen=True)
class Transform:
    """One transform, on arrays of shape (n, d) and as nodes of a graph."""

    apply: Callable[[FloatArray], FloatArray]
    extend: Callable[[GraphBuilder, str], str]


def get_transform(name: str) -> Transform:
    """Return a transform by name.

    >>> get_transform("sqrt").apply(np.array([[4.0, -9.0]]))
    array([[ 2., -3.]])
    """
    if name not in TRANSFORMS:
        raise unknown_name("transform", name, TRANSFORMS)
    return TRANSFORMS[name]


def rows_at_once(n_features: int) -> int:
    """Rows per chunk: a few MB in double precision, however many rows there are."""
    return max(64, _CELLS_AT_ONCE // max(n_features, 1))


def unit_rows(x: FloatArray) -> FloatArray:
    """Divide each row by its Euclidean norm; rows of zeros stay zero."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), _MIN_NORM)


def extend_unit_rows(graph: GraphBuilder, x: str) -> str:
    """`unit_rows` as nodes."""
    norm = graph.op("ReduceL2", x, graph.constant(np.array([1], dtype=np.int64)), keepdims=1)
    return graph.op("Div", x, graph.op("Max", norm, graph.constant(np.float32(_MIN_NORM))))


def _extend_sqrt(graph: GraphBuilder, x: str) -> str:
    return graph.op("Mul", graph.op("Sign", x), graph.op("Sqrt", graph.op("Abs", x)))


def _power(x: FloatArray) -> FloatArray:
    root = np.sqrt(np.abs(x))
    raised: FloatArray = np.copysign(root * np.sqrt(root), x)  # a third of the time of x ** _EXPONENT
    return raised


def _extend_power(graph: GraphBuilder, x: str) -> str:
    return graph.op(
        "Mul", graph.op("Sign", x), graph.op("Pow", graph.op("Abs", x), graph.constant(np.float32(_EXPONENT)))
    )


TRANSFORMS = {
    "identity": Transform(lambda x: x, lambda _graph, x: x),
    "power": Transform(_power, _extend_power),
    "sqrt": Transform(lambda x: np.sign(x) * np.sqrt(np.abs(x)), _extend_sqrt),
    "l2": Transform(unit_rows, extend_unit_rows),
}
