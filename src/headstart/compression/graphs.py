"""ONNX graphs taken apart: which nodes are the head, which constants are weights, and how to write them back."""

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
FEWEST_NUMBERS = 1024  # of a constant that is worth storing otherwise


def read_graph(graph: bytes) -> onnx.ModelProto:
    """Parse a packed graph and give every node a name."""
    import onnx

    model = onnx.ModelProto.FromString(graph)
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{i}"
    return model


def write_graph(model: onnx.ModelProto) -> bytes:
    """Write a model without the constants that nothing reads; the same model gives the same bytes."""
    read = {name for node in model.graph.node for name in node.input} | {one.name for one in model.graph.output}
    kept = [array for array in model.graph.initializer if array.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    packed: bytes = model.SerializeToString(deterministic=True)
    return packed


def head_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes after the features; none where the model gives no features, as a baseline's."""
    if FEATURES not in {output.name for output in model.graph.output}:
        return []
    needed, network = {FEATURES}, set()
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            network.add(node.name)
    return [node.name for node in model.graph.node if node.name not in network]


def readers(model: onnx.ModelProto, value: str) -> list[onnx.NodeProto]:
    """Nodes that take a value."""
    return [node for node in model.graph.node if value in node.input]


def maker(model: onnx.ModelProto, value: str) -> onnx.NodeProto | None:
    """The node that gives a value; None of an input or a constant."""
    return next((node for node in model.graph.node if value in node.output), None)


def weights(model: onnx.ModelProto) -> Iterator[tuple[onnx.TensorProto, str]]:
    """Large constants of the network in floating point, each with the operator that uses it.

    A constant that is cast first, as the weights of a half-precision file are, counts as what reads the cast. Those of the
    head are left out, and those that several kinds of operators use.
    """
    head = set(head_nodes(model))
    for array in model.graph.initializer:
        if array.data_type not in (FLOAT32, FLOAT16) or np.prod(array.dims) < FEWEST_NUMBERS:
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
    """The numbers of a constant in single precision."""
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(array), dtype=np.float32)


def put_constant(model: onnx.ModelProto, name: str, array: NDArray[np.generic]) -> str:
    """Store an array in the place of the one of that name, or anew, and return its name."""
    from onnx import numpy_helper

    made = numpy_helper.from_array(np.ascontiguousarray(array), name)
    known = next((one for one in model.graph.initializer if one.name == name), None)
    if known is None:
        model.graph.initializer.append(made)
    else:
        known.CopyFrom(made)
    return name


def fold_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put constants that are cast to float32 there in float32, so that the products which read them are seen as such."""
    arrays = {array.name: array for array in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in arrays and node.attribute[0].i == FLOAT32:
            put_constant(model, node.output[0], values_of(arrays[node.input[0]]))
            model.graph.node.remove(node)
    return model
