"""EfficientNet-Lite: a stack of inverted residual blocks without squeeze-and-excitation, made for small CPUs.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card
    from headstart.sources.graph import GraphBuilder

DRAW = "uniform"  # names how `initialise` draws, so that features of another draw are not taken for these
BATCH_SIZE = 8  # measured fastest with one thread a batch (docs/log.md)
_BATCH_NORM_EPSILON = 1e-3
# (kernel, stride, expansion, repeats) of the seven stages of Lite0
_STAGES = ((3, 1, 1, 1), (3, 2, 6, 2), (5, 2, 6, 2), (3, 2, 6, 3), (5, 1, 6, 3), (5, 2, 6, 4), (3, 1, 6, 1))


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card) -> str:
    """Add the network up to its pooled last layer and return the value of shape (batch, 1280).

    The input is `pixels`, uint8, (batch, height, width, 3), RGB; normalisation happens inside the graph.
    """
    height, width = card.input["height_px"], card.input["width_px"]
    pixels = graph.input("pixels", "uint8", ["batch", height, width, 3])
    mean, std = (np.array(card.network[key], dtype=np.float32) * 255 for key in ("mean", "std"))
    x = graph.op("Cast", pixels, to=1)
    x = graph.op("Mul", graph.op("Sub", x, graph.constant(mean)), graph.constant(1 / std))
    x = graph.op("Transpose", x, perm=[0, 3, 1, 2])  # (batch, 3, height, width)

    x = _relu6(graph, _convolution(graph, state, x, "_conv_stem", "_bn0", stride=2))
    for block, (stride, expansion) in enumerate(_blocks()):
        x = _inverted_residual(graph, state, x, f"_blocks.{block}.", stride=stride, expansion=expansion)
    x = _relu6(graph, _convolution(graph, state, x, "_conv_head", "_bn1"))
    return graph.op("Flatten", graph.op("GlobalAveragePool", x))


def initialise(name: str, array: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw fresh weights for one array of the state: torch's default for a convolution, batch norms at identity.

    He's wider draw drives ReLU6 into saturation: on groceries it leaves 0.29 of the accuracy, torch's default 0.47, and an
    honest control is the better of the two (docs/log.md).
    """
    if array.ndim == 4:
        bound = 1.0 / math.sqrt(math.prod(array.shape[1:]))
        return rng.uniform(-bound, bound, array.shape).astype(np.float32)
    is_scale = name.endswith("running_var") or (name.endswith("weight") and array.ndim == 1)
    return np.full(array.shape, 1.0 if is_scale else 0.0, dtype=np.float32)


def _blocks() -> list[tuple[int, int]]:
    return [(stride if i == 0 else 1, expansion) for _, stride, expansion, repeats in _STAGES for i in range(repeats)]


def _inverted_residual(
    graph: GraphBuilder, state: Mapping[str, FloatArray], x: str, prefix: str, *, stride: int, expansion: int
) -> str:
    inside = x
    if expansion > 1:
        inside = _relu6(graph, _convolution(graph, state, inside, f"{prefix}_expand_conv", f"{prefix}_bn0"))
    inside = _relu6(
        graph, _convolution(graph, state, inside, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride)
    )
    inside = _convolution(graph, state, inside, f"{prefix}_project_conv", f"{prefix}_bn2")
    n_in = state[f"{prefix}{'_expand_conv' if expansion > 1 else '_depthwise_conv'}.weight"].shape[int(expansion > 1)]
    same_shape = stride == 1 and n_in == state[f"{prefix}_project_conv.weight"].shape[0]
    return graph.op("Add", x, inside) if same_shape else inside


def _convolution(
    graph: GraphBuilder, state: Mapping[str, FloatArray], x: str, conv: str, norm: str, *, stride: int = 1
) -> str:
    """Convolution with its batch normalisation folded in."""
    weight = state[f"{conv}.weight"]
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return graph.op(
        "Conv",
        x,
        graph.constant((weight * scale[:, None, None, None]).astype(np.float32)),
        graph.constant(bias.astype(np.float32)),
        strides=[stride, stride],
        group=weight.shape[0] if weight.shape[1] == 1 and weight.shape[2] > 1 else 1,
        auto_pad="SAME_UPPER",
    )


def _relu6(graph: GraphBuilder, x: str) -> str:
    return graph.op("Clip", x, graph.constant(np.float32(0)), graph.constant(np.float32(6)))
