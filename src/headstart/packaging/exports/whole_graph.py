"""A bundle as one graph: items in, answers in words out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import require
from headstart.core.tasks.multi_label import THRESHOLD

if TYPE_CHECKING:
    import onnx

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.packaging.model import Bundle


def whole_graph(bundle: Bundle, *, has_tensor_inputs: bool) -> onnx.ModelProto:
    """Write the graph: preprocessing, network, head, answer.

    Outputs: of a classification `label` (batch,), `probability` (batch,) and `probabilities` (batch, k); where an item may have several
    labels `labels` (batch, k) too, where the bundle has prediction sets `prediction_set` (batch, k), with empty strings in the place of
    labels that are not given; of a regression `value` (batch,).

    Raises
    ------
    OptionError
        The bundle's preprocessing cannot be written into a graph.
    MissingExtraError
        onnx is not installed.
    """
    onnx = require("onnx", extra="export", purpose="exporting a model")
    from headstart.onnx_graph.builder import GraphBuilder

    model = onnx.load_from_string(bundle.graph)
    graph = GraphBuilder()
    values = _prepared(graph, bundle, model, has_tensor_inputs=has_tensor_inputs)
    _answer(graph, bundle, graph.inline(model.graph, values, {}))
    return graph.model(_metadata(bundle))


def _prepared(
    graph: GraphBuilder, bundle: Bundle, model: onnx.ModelProto, *, has_tensor_inputs: bool
) -> dict[str, str]:
    """Give the values that the bundle's own graph takes, by the names of its inputs."""
    from headstart.sources import onnx_preprocessors

    modality = bundle.reads
    if has_tensor_inputs and not modality.is_array:
        return {value.name: graph.input_like(value) for value in model.graph.input}
    items = modality.declare(graph, are_files=not has_tensor_inputs)
    return onnx_preprocessors.add_nodes(graph, bundle.input, items, are_files=not has_tensor_inputs)


def _answer(graph: GraphBuilder, bundle: Bundle, outputs: str) -> None:
    last = graph.constant(np.array([1]))
    if not bundle.task_spec.has_probabilities:
        graph.output(graph.op("Squeeze", outputs, last), "value", "float32", ["batch"])
        return
    names = graph.constant(np.array(bundle.labels, dtype=object), "label_names")
    best = graph.op("ArgMax", _weighed(graph, bundle, outputs), axis=1, keepdims=1)
    graph.output(graph.op("Gather", names, graph.op("Squeeze", best, last)), "label", "string", ["batch"])
    chosen = graph.op("GatherElements", outputs, best, axis=1)
    graph.output(graph.op("Squeeze", chosen, last), "probability", "float32", ["batch"])
    graph.output(outputs, "probabilities", "float32", ["batch", len(bundle.labels)])
    if bundle.task_spec.is_multi_label:
        name, threshold = "labels", graph.constant(np.array(_thresholds(bundle), np.float32), "threshold")
    elif bundle.prediction_set_threshold is not None:
        # what is decided on is in its set, however unlikely it is
        name = "prediction_set"
        threshold = graph.op("Min", graph.constant(np.float32(bundle.prediction_set_threshold), "threshold"), chosen)
    else:
        return
    none = graph.constant(np.array([""], dtype=object))
    given = graph.op("Where", graph.op("GreaterOrEqual", outputs, threshold), names, none)
    graph.output(given, name, "string", ["batch", len(bundle.labels)])


def _weighed(graph: GraphBuilder, bundle: Bundle, outputs: str) -> str:
    """Products of weight and probability, where one label is decided on by them."""
    if bundle.decision is None or bundle.task_spec.is_multi_label:
        return outputs
    weights: str = graph.constant(np.array(bundle.decision.weights, np.float32), "weights")
    return graph.op("Mul", outputs, weights)


def _thresholds(bundle: Bundle) -> tuple[float, ...]:
    """Of each label, where several may be given."""
    found = None if bundle.decision is None else bundle.decision.thresholds(bundle.task_spec)
    return found or (THRESHOLD,) * len(bundle.labels)


def _metadata(bundle: Bundle) -> dict[str, str]:
    """What a reader of the file may want to know, as strings."""
    said = {key: str(bundle.manifest[key]) for key in ("name", "task", "source", "deployed", "created", "modality")}
    return {
        **said,
        "labels": json.dumps(bundle.labels, ensure_ascii=False),
        "headstart": str(bundle.manifest["headstart"]),
        "input": bundle.input.kind,
        "threshold": json.dumps(_thresholds(bundle))
        if bundle.task_spec.is_multi_label
        else str(bundle.prediction_set_threshold or ""),
        "weights": "" if bundle.decision is None else json.dumps(bundle.decision.weights),
    }
