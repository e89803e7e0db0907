"""MobileNetV2: inverted residual blocks with linear bottlenecks, designed for phones.

Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources.networks.onnx.convolution import convolution, initialise, normalised_pixels, pooled, relu6

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

__all__ = ["BATCH_SIZE", "EPSILON", "STRIDES", "encode", "initialise"]

BATCH_SIZE = 8
EPSILON = 1e-5  # of the batch norms
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)  # of the 17 blocks


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card) -> str:
    """Add the network up to its pooled last layer and return the value of shape (batch, 1280).

    The input is `pixels`, uint8, (batch, height, width, 3), RGB; the graph normalizes it.
    """
    x = normalised_pixels(graph, card)
    x = relu6(graph, _layer(graph, state, x, "features.0.0", "features.0.1", stride=2))
    for block, stride in enumerate(STRIDES, start=1):
        x = _inverted_residual(graph, state, x, f"features.{block}.conv.", stride=stride)
    last = f"features.{len(STRIDES) + 1}."
    return pooled(graph, relu6(graph, _layer(graph, state, x, f"{last}0", f"{last}1")))


def _inverted_residual(
    graph: GraphBuilder, state: Mapping[str, FloatArray], x: str, prefix: str, *, stride: int
) -> str:
    """Expand (except in the first block), convolve depthwise, project; layers are numbered in order."""
    inside, last = x, 1
    if f"{prefix}3.weight" in state:
        inside = relu6(graph, _layer(graph, state, inside, f"{prefix}0.0", f"{prefix}0.1"))
        last = 2
    filtering = f"{prefix}{last - 1}."
    inside = relu6(graph, _layer(graph, state, inside, f"{filtering}0", f"{filtering}1", stride=stride))
    inside = _layer(graph, state, inside, f"{prefix}{last}", f"{prefix}{last + 1}")
    n_in = state[f"{prefix}0.0.weight"].shape[1 if last == 2 else 0]
    same_shape = stride == 1 and n_in == state[f"{prefix}{last}.weight"].shape[0]
    return graph.op("Add", x, inside) if same_shape else inside


def _layer(
    graph: GraphBuilder, state: Mapping[str, FloatArray], x: str, name: str, norm: str, *, stride: int = 1
) -> str:
    padding = state[f"{name}.weight"].shape[2] // 2
    return convolution(graph, state, x, name, norm, stride=stride, padding=padding, epsilon=EPSILON)
