"""How long a runtime may compute while it opens a graph: it folds whatever depends on constants alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headstart.onnx_graph.scan import FieldReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_GRAPH_OF_MODEL = 7
_NODE, _INITIALIZER, _INPUT, _SPARSE = 1, 5, 11, 15  # of GraphProto
_INPUTS, _OUTPUTS, _OPERATOR = 1, 2, 4  # of NodeProto
_TENSOR_NAME = 8
_VALUE_NAME, _PATH_TO_DIMS, _STATIC = (
    1,
    (2, 1, 2, 1),
    1,
)  # of ValueInfoProto: type, tensor, shape, its axes; a fixed length

_SHAPES = ("Shape", "Size")
_NO_LARGER = frozenset(
    (
        *(
            "Abs",
            "Ceil",
            "Concat",
            "Cos",
            "Erf",
            "Exp",
            "Flatten",
            "Floor",
            "Identity",
            "Log",
            "Neg",
            "Not",
            "Reciprocal",
        ),
        *(
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "Relu",
            "Reshape",
            "Round",
            "Sigmoid",
            "Sign",
        ),
        *("Sin", "Slice", "Split", "Sqrt", "Squeeze", "Tanh", "Transpose", "Unsqueeze"),
    )
)
_WIDENING = frozenset(("Cast", "DequantizeLinear"))
_WIDEST = 8  # bytes of a number, of which a byte can be made
_BROADCASTING = frozenset(
    ("Add", "And", "Div", "Equal", "Gather", "Greater", "Less", "Max", "Min", "Mul", "Or", "Pow", "Sub", "Where")
)
_FREE_BYTES, _FREE_SHARE = 64 << 20, 64  # what is folded in a few seconds


@dataclass
class _Folding:
    """Constants by name with upper bounds of their bytes, and values that are known only when the graph runs."""

    sizes: dict[str, int] = field(default_factory=dict)
    dynamic: set[str] = field(default_factory=set)
    of_free_shape: set[str] = field(default_factory=set)
    n_bytes: float = 0

    def add(self, operator: str, inputs: list[str], outputs: list[str], node_bytes: int) -> None:
        """Take in one node."""
        if self.dynamic.intersection(inputs) and (operator not in _SHAPES or self.of_free_shape.issuperset(inputs)):
            self.dynamic.update(outputs)
            return
        size = self._size(operator, inputs, node_bytes)
        self.n_bytes += size
        if math.isfinite(size):
            self.sizes |= dict.fromkeys(outputs, int(size))

    def _size(self, operator: str, inputs: list[str], node_bytes: int) -> float:
        if operator == "Constant":
            return node_bytes
        if operator in _SHAPES:
            return _WIDEST * 16
        sizes = [self.sizes.get(name, math.inf) for name in inputs]
        if operator in _NO_LARGER:
            return sum(sizes)
        if operator in _WIDENING:
            return sum(sizes) * _WIDEST
        return math.prod(sizes) if operator in _BROADCASTING else math.inf


def folds_quickly(model: bytes) -> bool:
    """Whether what depends on constants alone is surely a matter of seconds; False where only a trial can tell.

    Parameters
    ----------
    model : without subgraphs and functions

    Raises
    ------
    ValueError
        The bytes are not an ONNX model.
    """
    reader, folding, limit = FieldReader(), _Folding(), _FREE_BYTES + _FREE_SHARE * len(model)
    graphs = [value for number, value in reader.fields(memoryview(model)) if number == _GRAPH_OF_MODEL]
    parts = [
        (number, value) for graph in graphs if isinstance(graph, memoryview) for number, value in reader.fields(graph)
    ]
    nodes = []
    for number, value in parts:
        if number == _SPARSE:  # few bytes that may stand for a huge array
            return False
        if number == _INITIALIZER and isinstance(value, memoryview):
            folding.sizes |= dict.fromkeys(_texts(reader, value, _TENSOR_NAME), len(value))
        elif number == _INPUT and isinstance(value, memoryview):
            _add_input(reader, folding, value)
        elif number == _NODE and isinstance(value, memoryview):
            nodes.append(value)
    folding.dynamic -= folding.sizes.keys()
    for node in nodes:
        inputs, outputs, operators = (list(_texts(reader, node, which)) for which in (_INPUTS, _OUTPUTS, _OPERATOR))
        folding.add("".join(operators), [name for name in inputs if name], outputs, len(node))
        if folding.n_bytes > limit:
            return False
    return True


def _add_input(reader: FieldReader, folding: _Folding, value: memoryview) -> None:
    names = set(_texts(reader, value, _VALUE_NAME))
    folding.dynamic |= names
    axes = [value]
    for number in _PATH_TO_DIMS:
        axes = [
            part
            for outer in axes
            for found, part in reader.fields(outer)
            if found == number and isinstance(part, memoryview)
        ]
    if not any(number == _STATIC for axis in axes for number, _ in reader.fields(axis)):
        folding.of_free_shape |= names


def _texts(reader: FieldReader, message: memoryview, number: int) -> Iterator[str]:
    """Texts of one field, whole: names that begin alike must not be confused."""
    values = (value for found, value in reader.fields(message) if found == number)
    return (bytes(value).decode("utf-8", "replace") for value in values if isinstance(value, memoryview))
