"""Inspect and modify packed ONNX graphs: the nodes of the head, the constants that are weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.builder import FLOAT32

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx
    from numpy.typing import NDArray

FEATURES, OUTPUTS = "features", "outputs"
FLOAT16 = 10  # ONNX's number
MIN_SIZE = 1024  # numbers in a constant that is worth compressing


def read_graph(graph: bytes) -> onnx.ModelProto:
    """Parse a packed graph and give every node a name."""
    import onnx

    model = onnx.ModelProto.FromString(graph)
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{i}"
    return model


def write_graph(model: onnx.ModelProto) -> bytes:
    """Serialize a model without unused constants; the same model gives the same bytes."""
    read = {name for node in model.graph.node for name in node.input} | {one.name for one in model.graph.output}
    kept = [array for array in model.graph.initializer if array.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    packed: bytes = model.SerializeToString(deterministic=True)
    return packed


def head_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes after the features; empty for a model without features, like a baseline's."""
    if FEATURES not in {output.name for output in model.graph.output}:
        return []
    needed, network = {FEATURES}, set()
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            network.add(node.name)
    return [node.name for node in model.graph.node if node.name not in network]


def readers(model: onnx.ModelProto, value: str) -> list[onnx.NodeProto]:
    """Nodes that read a value."""
    return [node for node in model.graph.node if value in node.input]


def maker(model: onnx.ModelProto, value: str) -> onnx.NodeProto | None:
    """The node that computes a value; None for an input or a constant."""
    return next((node for node in model.graph.node if value in node.output), None)


def weights(model: onnx.ModelProto) -> Iterator[tuple[onnx.TensorProto, str]]:
    """Large floating-point constants of the network, each with the operator that uses it.

    Casts are looked through, since weights may be stored in half precision. Constants of the head, and those used by several
    kinds of operators, are skipped.
    """
    head = set(head_nodes(model))
    for array in model.graph.initializer:
        if array.data_type not in (FLOAT32, FLOAT16) or np.prod(array.dims) < MIN_SIZE:
            continue
        users = list(_users(model, array.name))
        operators = {node.op_type for node in users}
        if len(operators) == 1 and not head & {node.name for node in users}:
            yield array, operators.pop()


def _users(model: onnx.ModelProto, value: str) -> Iterator[onnx.NodeProto]:
    for node in readers(model, value):
        if node.op_type == "Cast":
            yield from _users(model, node.output[0])
        else:
            yield node


def values_of(array: onnx.TensorProto) -> NDArray[np.float32]:
    """The values of a constant in single precision."""
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(array), dtype=np.float32)


def put_constant(model: onnx.ModelProto, name: str, array: NDArray[np.generic]) -> str:
    """Add an array, or replace the one of that name, and return its name."""
    from onnx import numpy_helper

    made = numpy_helper.from_array(np.ascontiguousarray(array), name)
    known = next((one for one in model.graph.initializer if one.name == name), None)
    if known is None:
        model.graph.initializer.append(made)
    else:
        known.CopyFrom(made)
    return name


def fold_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace casts of constants to float32 by float32 constants, so that products with them are recognized."""
    arrays = {array.name: array for array in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in arrays and node.attribute[0].i == FLOAT32:
            put_constant(model, node.output[0], values_of(arrays[node.input[0]]))
            model.graph.node.remove(node)
    return model
