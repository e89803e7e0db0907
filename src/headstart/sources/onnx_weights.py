"""Recover a torch-style state from an ONNX graph that torch's exporter wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import SourceError, require

if TYPE_CHECKING:
    from headstart.sources.weights import State

_BIAS = ".bias"


def weights_from_onnx(content: bytes) -> State:
    """Read the named weights of a graph; nothing is run.

    The exporter keeps the names of all weights but those of linear layers, which it stores transposed and under numbers;
    such a weight takes its name from the bias that the next node adds: `query.bias` makes it `query.weight`.

    Raises
    ------
    SourceError
        The file is damaged, or a linear layer's name cannot be told.
    MissingExtraError
        onnx is not installed.
    """
    onnx = require("onnx", extra="train", purpose="reading an ONNX file")
    try:
        graph = onnx.load_model_from_string(content).graph
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    except Exception as error:  # protobuf's errors and onnx's own share no base
        raise SourceError(f"the ONNX file is damaged ({type(error).__name__}).") from error
    biases = {
        value: name
        for node in graph.node
        if node.op_type == "Add"
        for name in node.input
        for value in node.input
        if name in arrays and name.endswith(_BIAS)
    }
    state: State = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            if node.output[0] not in biases:
                raise SourceError(
                    f"the ONNX file's weight '{node.input[1]}' is followed by no bias that would name it."
                )
            name = biases[node.output[0]].removesuffix(_BIAS) + ".weight"
            state.pop(node.input[1], None)
            state[name] = np.ascontiguousarray(arrays[node.input[1]].T)
    return state
