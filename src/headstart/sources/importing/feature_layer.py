"""Find the layer of an ONNX graph that gives the features, or list the layers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from headstart.onnx_graph.editing import Layer

_FEATURES = re.compile(r"feature|embedding|last_hidden_state|pooled", re.IGNORECASE)
_SCORES = re.compile(r"logit|prob|class|softmax|score|label", re.IGNORECASE)
_PROBABILITIES = ("Softmax", "LogSoftmax", "Sigmoid")
_SHAPING = ("Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Add")
_DENSE = ("Gemm", "MatMul")
_N_SHOWN = 8


def choose_layer(model: onnx.ModelProto, found: Sequence[Layer], wanted: str | None, where: str) -> Layer:
    """Choose the feature layer.

    An output named features or embedding is used directly; for a classifier's scores, the input of its last dense layer is used;
    any other output of a dense layer is ambiguous, so the user has to choose.

    Parameters
    ----------
    found : the measured layers, in the graph's order
    wanted : name of a node or of its value, if the user gives one

    Raises
    ------
    OptionError
        There is no such layer, or the choice is ambiguous; the message lists the last layers.
    """
    by_value = {layer.value: layer for layer in found}
    if wanted is not None:
        for layer in reversed(found):
            if wanted in (layer.value, layer.node):
                return layer
        raise OptionError(f"{where} has no layer '{wanted}' with a row for each item. {_list(found)}")
    outputs = [by_value[output.name] for output in model.graph.output if output.name in by_value]
    named = [layer for layer in outputs if _FEATURES.search(layer.value) and not _SCORES.search(layer.value)]
    if named:
        return min(named, key=lambda layer: len(layer.shape))
    if len(outputs) == 1:
        dense, is_score = _last_dense(model, outputs[0].value)
        if dense is None and not is_score:
            return outputs[0]
        if dense is not None and is_score and dense in by_value:
            return by_value[dense]
    raise OptionError(
        f"it is unclear which layer of {where} gives the features. Name one with --feature-layer. {_list(found)}"
    )


def pooling_of(layer: Layer) -> str:
    """How to pool a layer to one vector per item: 'none', 'mean' over tokens, or over the pixels of 'nchw' or 'nhwc'."""
    if len(layer.shape) == 4:
        return "nhwc" if layer.shape[1] == layer.shape[2] != layer.shape[3] else "nchw"
    return "none" if len(layer.shape) == 2 else "mean"


def _last_dense(model: onnx.ModelProto, value: str) -> tuple[str | None, bool]:
    """The input of the last dense layer before an output, if there is one, and whether the output is a score."""
    makers = {made: node for node in model.graph.node for made in node.output}
    stored = {array.name for array in model.graph.initializer}
    is_score = bool(_SCORES.search(value))
    while value in makers:
        node = makers[value]
        if node.op_type in _DENSE:
            return node.input[0], is_score
        if node.op_type not in (*_PROBABILITIES, *_SHAPING):
            return None, is_score
        is_score = is_score or node.op_type in _PROBABILITIES
        value = next((name for name in node.input if name not in stored), "")
    return None, is_score


def _list(found: Sequence[Layer]) -> str:
    if not found:
        return "It has no such layers."
    shown = [f"{layer.value} ({layer.operator}, {'×'.join(map(str, layer.shape[1:]))})" for layer in found[-_N_SHOWN:]]
    more = f" and {len(found) - len(shown)} before them" if len(found) > len(shown) else ""
    return f"The last ones are: {'; '.join(shown)}{more}."
