"""EfficientNet-Lite: a stack of inverted residual blocks without squeeze-and-excitation, made for small CPUs.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headstart.sources.networks.onnx.convolution import convolution, initialise, normalised_pixels, pooled, relu6

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

__all__ = ["BATCH_SIZE", "DRAW", "EPSILON", "blocks", "encode", "initialise"]

DRAW = "uniform"  # identifies how `initialise` draws, so that cached features of another draw are not reused
BATCH_SIZE = 8  # measured fastest with one thread a batch (docs/log.md)
EPSILON = 1e-3  # of the batch norms
# (stride, expansion, repeats) of the seven stages of Lite0; kernels and widths are those of the weights
_STAGES = ((1, 1, 1), (2, 6, 2), (2, 6, 2), (2, 6, 3), (1, 6, 3), (2, 6, 4), (1, 6, 1))


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card) -> str:
    """Add the network up to its pooled last layer and return the value of shape (batch, 1280).

    The input is `pixels`, uint8, (batch, height, width, 3), RGB; the graph normalizes it.
    """
    x = normalised_pixels(graph, card)
    x = relu6(graph, convolution(graph, state, x, "_conv_stem", "_bn0", stride=2, epsilon=EPSILON))
    for block, (stride, expansion) in enumerate(blocks(card)):
        x = _inverted_residual(graph, state, x, f"_blocks.{block}.", stride=stride, expansion=expansion)
    return pooled(graph, relu6(graph, convolution(graph, state, x, "_conv_head", "_bn1", epsilon=EPSILON)))


def blocks(card: Card) -> list[tuple[int, int]]:
    """Stride and expansion of each block; the card's `depth` multiplies the number of blocks of Lite0.

    The first and the last stage are never repeated.
    """
    depth = card.network.get("depth", 1.0)
    return [
        (stride if i == 0 else 1, expansion)
        for stride, expansion, repeats in _STAGES
        for i in range(repeats if repeats == 1 else math.ceil(repeats * depth))
    ]


def _inverted_residual(
    graph: GraphBuilder, state: Mapping[str, FloatArray], x: str, prefix: str, *, stride: int, expansion: int
) -> str:
    def layer(x: str, name: str, norm: str, stride: int = 1) -> str:
        return convolution(graph, state, x, prefix + name, prefix + norm, stride=stride, epsilon=EPSILON)

    inside = x if expansion == 1 else relu6(graph, layer(x, "_expand_conv", "_bn0"))
    inside = layer(relu6(graph, layer(inside, "_depthwise_conv", "_bn1", stride)), "_project_conv", "_bn2")
    n_in = state[f"{prefix}{'_expand_conv' if expansion > 1 else '_depthwise_conv'}.weight"].shape[int(expansion > 1)]
    same_shape = stride == 1 and n_in == state[f"{prefix}_project_conv.weight"].shape[0]
    return graph.op("Add", x, inside) if same_shape else inside
