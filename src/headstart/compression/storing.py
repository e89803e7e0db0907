"""Store a constant in fewer bits; the runtime converts it back to single precision.

A lookup table is decoded row by row as needed. Every other constant is decoded by nodes that read only constants, which ONNX
Runtime folds when it opens the model: it then runs exactly as fast as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.compression.graphs import put_constant, readers
from headstart.onnx_graph.builder import FLOAT32

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_MAX_INT8 = 127


def int8_of(array: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to 8 bits, symmetric, with one scale per index along `axis`, which broadcasts over the array.

    >>> int8_of(np.array([[1.0, -2.0], [0.0, 0.0]], np.float32), axis=0)[0].tolist()
    [[64, -127], [0, 0]]
    """
    others = tuple(i for i in range(array.ndim) if i != axis)
    largest = np.abs(array).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / _MAX_INT8, 1.0).astype(np.float32)
    return np.rint(array / scale).astype(np.int8), scale


def store(
    model: onnx.ModelProto, array: onnx.TensorProto, stored: NDArray[np.generic], scale: NDArray[np.float32] | None
) -> None:
    """Replace a constant by `stored`, times `scale` if there is one.

    Parameters
    ----------
    scale : broadcasts over the array; for a lookup table, one number per row
    """
    name, data_type = array.name, array.data_type
    users = readers(model, name)
    put_constant(model, f"{name}/stored", stored)
    scales = None if scale is None else put_constant(model, f"{name}/scale", scale)
    if all(node.op_type == "Gather" and node.input[0] == name for node in users):
        for node in users:
            _decode_rows(model, node, name, scales, data_type)
        return
    nodes = _decoding(f"{name}/stored", scales, name, data_type)
    model.graph.initializer.remove(array)
    for position, node in enumerate(nodes):
        model.graph.node.insert(position, node)


def _decode_rows(
    model: onnx.ModelProto, look_up: onnx.NodeProto, name: str, scales: str | None, data_type: int
) -> None:
    from onnx import helper

    ids, value = look_up.input[1], look_up.output[0]
    nodes = [helper.make_node("Gather", [f"{name}/stored", ids], [f"{value}/stored"], name=f"{value}/rows", axis=0)]
    if scales is not None:
        nodes.append(helper.make_node("Gather", [scales, ids], [f"{value}/scale"], name=f"{value}/scales", axis=0))
        scales = f"{value}/scale"
    nodes += _decoding(f"{value}/stored", scales, value, data_type)
    position = list(model.graph.node).index(look_up)
    model.graph.node.remove(look_up)
    for i, node in enumerate(nodes):
        model.graph.node.insert(position + i, node)


def _decoding(stored: str, scales: str | None, value: str, data_type: int) -> list[onnx.NodeProto]:
    """Nodes that compute `value`, with its original type, from what is stored."""
    from onnx import helper

    steps: list[tuple[str, list[str], dict[str, Any]]] = [("Cast", [], {"to": FLOAT32})]
    if scales is not None:
        steps.append(("Mul", [scales], {}))
    if data_type != FLOAT32:
        steps.append(("Cast", [], {"to": data_type}))
    nodes, current = [], stored
    for i, (operator, more, attributes) in enumerate(steps):
        made = value if i == len(steps) - 1 else f"{value}/decoded_{i}"
        nodes.append(helper.make_node(operator, [current, *more], [made], name=f"{value}/decode_{i}", **attributes))
        current = made
    return nodes
