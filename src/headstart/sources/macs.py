"""Count the multiply-accumulate operations of a network, as it runs on one item of full size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headstart.data.modalities import get_modality
from headstart.onnx_graph.builder import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from headstart.sources.source import Source


def multiply_accumulates(source: Source) -> int:
    """Count those of matrix products and convolutions, from the shapes of all values when the network runs."""
    from onnx import helper

    from headstart.onnx_graph.editing import run

    graph = GraphBuilder()
    source.encode(graph)
    model = graph.model(check=False)
    model.graph.output.extend(
        [helper.make_empty_tensor_value_info(value) for node in model.graph.node for value in node.output if value]
    )
    item = get_modality(source.modality).fixed_items(source.card.input).largest
    values = run(model, source.input.transform([item]), source.name)
    shapes = {
        output.name: getattr(value, "shape", ()) for output, value in zip(model.graph.output, values, strict=True)
    }
    shapes |= {array.name: tuple(array.dims) for array in model.graph.initializer}
    return sum(_of_node(node, shapes) for node in model.graph.node)


def _of_node(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Each output value of a product is a sum of as many terms as one row of what it is multiplied with."""
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return 0
    weight, n_values = shapes.get(node.input[1], ()), math.prod(shapes[node.output[0]])
    if node.op_type == "Conv":
        return n_values * math.prod(weight[1:])  # (out, in / groups, kernel …)
    return n_values * (shapes.get(node.input[0]) or weight[::-1] or (1,))[-1]
