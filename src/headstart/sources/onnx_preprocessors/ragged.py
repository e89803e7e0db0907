"""Rows of different lengths, one after the other, become one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.onnx_graph.arithmetic import joined, sizes

if TYPE_CHECKING:
    from headstart.onnx_graph.arithmetic import Value


def padded(flat: Value, begins: Value, longest: int) -> tuple[Value, Value]:
    """Give the first `longest` entries of each row, (batch, most), and how many there are, (batch, 1).

    Parameters
    ----------
    flat : the entries of all rows, int64
    begins : where each row begins, and the end, (batch + 1,), int64
    """
    first, end = (begins.apply("Slice", *(begins.constant([i]) for i in part)) for part in ((0, -1), (1, 1 << 62)))
    lengths = (end - first).at_most(longest).shaped(-1, 1)
    most = lengths.apply("ReduceMax", keepdims=0).at_least(1)
    places = first.shaped(-1, 1) + most.count_up().shaped(1, -1)
    entries = joined(flat, flat.constant([0]))  # never empty
    return entries.apply("Gather", places.at_most(sizes(flat.graph, entries.name) - 1), axis=0), lengths
