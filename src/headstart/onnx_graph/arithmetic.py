"""Write formulas into a graph as in Python: `(width - 1) / 2` adds a Sub and a Div node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.onnx_graph.builder import ELEMENT_TYPES

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder


@dataclass(frozen=True, eq=False)
class Value:
    """A value of a graph under construction, with Python's operators; numbers become constants of its type.

    >>> from headstart.onnx_graph.builder import GraphBuilder
    >>> graph = GraphBuilder()
    >>> middle = (Value(graph, graph.input("width", "int64", []), "int64") - 1) // 2
    >>> [node.op_type for node in graph._nodes]
    ['Sub', 'Div']
    """

    graph: GraphBuilder
    name: str
    dtype: str = "float64"

    def __add__(self, other: Any) -> Value:
        return self.apply("Add", other)

    def __sub__(self, other: Any) -> Value:
        return self.apply("Sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self.constant(other).apply("Sub", self)

    def __mul__(self, other: Any) -> Value:
        return self.apply("Mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self.apply("Div", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.constant(other).apply("Div", self)

    def __floordiv__(self, other: Any) -> Value:
        quotient = self.apply("Div", other)  # integer Div truncates
        return quotient if self.dtype == "int64" else quotient.floor()

    def __and__(self, other: Value) -> Value:
        return self.apply("And", other)

    def __lt__(self, other: Any) -> Value:
        return self.apply("Less", other).typed("bool")

    def __le__(self, other: Any) -> Value:
        return self.apply("LessOrEqual", other).typed("bool")

    def __gt__(self, other: Any) -> Value:
        return self.apply("Greater", other).typed("bool")

    def __getitem__(self, position: int) -> Value:
        """One entry along the first axis."""
        return self.apply("Gather", Value(self.graph, self.graph.constant(np.int64(position))), axis=0)

    def equals(self, other: Any) -> Value:
        """Compare element by element."""
        return self.apply("Equal", other).typed("bool")

    def at_least(self, other: Any) -> Value:
        """The larger of the two."""
        return self.apply("Max", other)

    def at_most(self, other: Any) -> Value:
        """The smaller of the two."""
        return self.apply("Min", other)

    def floor(self) -> Value:
        """Round down."""
        return self.apply("Floor")

    def ceil(self) -> Value:
        """Round up."""
        return self.apply("Ceil")

    def where(self, condition: Value, otherwise: Any) -> Value:
        """Keep this value where `condition` holds."""
        name = self.graph.op("Where", condition.name, self.name, self.constant(otherwise).name)
        return Value(self.graph, name, self.dtype)

    def cast(self, dtype: str) -> Value:
        """Convert to another type of elements."""
        return Value(self.graph, self.graph.op("Cast", self.name, to=ELEMENT_TYPES[dtype]), dtype)

    def shaped(self, *shape: int) -> Value:
        """Reshape; -1 is inferred."""
        name = self.graph.op("Reshape", self.name, self.graph.constant(np.array(shape, np.int64)))
        return Value(self.graph, name, self.dtype)

    def count_up(self) -> Value:
        """0, 1, 2, … up to this scalar, exclusive."""
        return Value(
            self.graph, self.graph.op("Range", self.constant(0).name, self.name, self.constant(1).name), self.dtype
        )

    def apply(self, operator: str, *others: Any, **attributes: Any) -> Value:
        """Add a node whose first input is this value and whose output is of its type."""
        names = [self.constant(other).name for other in others]
        return Value(self.graph, self.graph.op(operator, self.name, *names, **attributes), self.dtype)

    def constant(self, number: Any) -> Value:
        """A constant of this value's type from a number or an array; values are returned unchanged."""
        if isinstance(number, Value):
            return number
        return Value(self.graph, self.graph.constant(np.asarray(number, self.dtype)), self.dtype)

    def typed(self, dtype: str) -> Value:
        """The same value with another type, for operators whose output has not the type of their input."""
        return Value(self.graph, self.name, dtype)


def sizes(graph: GraphBuilder, name: str) -> Value:
    """The shape of a value, int64."""
    return Value(graph, graph.op("Shape", name), "int64")


def joined(*values: Value) -> Value:
    """Concatenate vectors."""
    first = values[0]
    return Value(first.graph, first.graph.op("Concat", *(value.name for value in values), axis=0), first.dtype)
