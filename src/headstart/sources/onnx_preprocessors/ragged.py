"""Pad concatenated rows of different lengths to one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.onnx_graph.arithmetic import joined, sizes

if TYPE_CHECKING:
    from headstart.onnx_graph.arithmetic import Value


def padded(flat: Value, starts: Value, max_length: int) -> tuple[Value, Value]:
    """The first `max_length` entries of each row, (batch, length), and their number, (batch, 1).

    Parameters
    ----------
    flat : the entries of all rows, int64
    starts : the start of each row, and the end, (batch + 1,), int64
    """
    first, end = (starts.apply("Slice", *(starts.constant([i]) for i in part)) for part in ((0, -1), (1, 1 << 62)))
    lengths = (end - first).at_most(max_length).shaped(-1, 1)
    length = lengths.apply("ReduceMax", keepdims=0).at_least(1)
    positions = first.shaped(-1, 1) + length.count_up().shaped(1, -1)
    entries = joined(flat, flat.constant([0]))  # never empty
    return entries.apply("Gather", positions.at_most(sizes(flat.graph, entries.name) - 1), axis=0), lengths
