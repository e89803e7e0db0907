"""An imported ONNX graph, cut at its feature layer and copied into ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.onnx_graph.builder import FLOAT32, mean_over_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

STRUCTURE = "structure.onnx"  # the graph without its floating-point arrays, which are in the weights
FILES = (STRUCTURE,)
BATCH_SIZE = 8
_LARGEST_WEIGHT = 1e4  # larger values, such as a mask's minus infinity, are not weights


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card, files: Mapping[str, bytes]) -> str:
    """Add the graph and pool its feature layer to the value of shape (batch, dimensions).

    `card.network` has `inputs` (for each input of the graph its `role` and its ONNX element type), `pooling`, and for photos
    `layout`, `mean` and `std`.
    """
    import onnx

    structure = onnx.ModelProto.FromString(files[STRUCTURE]).graph
    roles: dict[str, Any] = card.network["inputs"]
    mask = ""
    if card.input["kind"] == "pixels":
        values = {"pixels": _pixels(graph, card)}
    else:
        ids, mask = (graph.input(name, "int64", ["batch", "length"]) for name in ("input_ids", "attention_mask"))
        values = {"ids": ids, "mask": mask}
        if any(role["role"] == "segments" for role in roles.values()):
            values["segments"] = graph.op("Mul", mask, graph.constant(np.int64(0)))
    feeds = {name: graph.op("Cast", values[role["role"]], to=role["type"]) for name, role in roles.items()}
    features = graph.op("Cast", graph.inline(structure, feeds, state), to=FLOAT32)
    return _pool(graph, features, mask, card.network["pooling"])


def initialise(name: str, array: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """Draw random weights for one array, whose role in the network is unknown.

    Matrices and kernels are normal with the standard deviation of the trained ones. Vectors (biases, scales, running variances)
    are shuffled, which keeps positive ones positive. Scalars and masks do not change.
    """
    if array.size == 1 or not (np.isfinite(array).all() and np.abs(array).max() < _LARGEST_WEIGHT):
        return array
    if array.ndim == 1 or array.size == max(array.shape):
        return rng.permutation(array.reshape(-1)).reshape(array.shape)
    return rng.normal(0.0, float(np.std(array, dtype=np.float64)), array.shape).astype(array.dtype)


def _pixels(graph: GraphBuilder, card: Card) -> str:
    """Convert photos to the layout and scale of the graph; a graph that takes bytes gets bytes."""
    pixels = graph.input("pixels", "uint8", ["batch", card.input["height_px"], card.input["width_px"], 3])
    if card.network["mean"] is not None:
        mean, std = (np.array(card.network[key], dtype=np.float32) * 255 for key in ("mean", "std"))
        pixels = graph.op("Cast", pixels, to=FLOAT32)
        pixels = graph.op("Mul", graph.op("Sub", pixels, graph.constant(mean)), graph.constant(1 / std))
    return pixels if card.network["layout"] == "nhwc" else graph.op("Transpose", pixels, perm=[0, 3, 1, 2])


def _pool(graph: GraphBuilder, x: str, mask: str, pooling: str) -> str:
    if pooling == "first":  # (batch, tokens, dimensions), as are the next two
        return graph.op("Gather", x, graph.constant(np.int64(0)), axis=1)
    if pooling == "mean" and mask:
        return mean_over_tokens(graph, x, graph.op("Cast", mask, to=FLOAT32))
    axes = {"none": (), "mean": (1,), "nchw": (2, 3), "nhwc": (1, 2)}[pooling]
    return graph.op("ReduceMean", x, graph.constant(np.array(axes)), keepdims=0) if axes else x
