"""ResNet, version 1, with bottleneck blocks as in Keras: the first convolution of a block has the stride.

He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headstart.sources.networks.onnx.convolution import convolution, initialise, normalised_pixels, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

__all__ = ["BATCH_SIZE", "EPSILON", "blocks", "encode", "initialise"]

BATCH_SIZE = 8
EPSILON = 1e-3  # of the batch norms
_FIRST_BRANCH = re.compile(r"res(\d[a-z])_branch2a\.weight")


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card) -> str:
    """Add the network up to its pooled last layer and return the value of shape (batch, 2048).

    The input is `pixels`, uint8, (batch, height, width, 3), RGB; the graph normalizes it.
    """

    def layer(x: str, name: str, norm: str, stride: int = 1) -> str:
        padding = state[f"{name}.weight"].shape[2] // 2
        return convolution(graph, state, x, name, norm, stride=stride, padding=padding, epsilon=EPSILON)

    # the first kernels expect blue, green, red
    state = {**state, "conv1.weight": state["conv1.weight"][:, ::-1]}
    x = graph.op("Relu", layer(normalised_pixels(graph, card), "conv1", "bn_conv1", 2))
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block, stride in blocks(state).items():
        inside = graph.op("Relu", layer(x, f"res{block}_branch2a", f"bn{block}_branch2a", stride))
        inside = graph.op("Relu", layer(inside, f"res{block}_branch2b", f"bn{block}_branch2b"))
        inside = layer(inside, f"res{block}_branch2c", f"bn{block}_branch2c")
        if f"res{block}_branch1.weight" in state:
            x = layer(x, f"res{block}_branch1", f"bn{block}_branch1", stride)
        x = graph.op("Relu", graph.op("Add", inside, x))
    return pooled(graph, x)


def blocks(state: Mapping[str, FloatArray]) -> dict[str, int]:
    """Stride of each block by its name, '2a' to '5c' in ResNet-50; each stage but the first halves the image."""
    found = sorted(match[1] for name in state if (match := _FIRST_BRANCH.fullmatch(name)))
    return {name: 2 if name[1] == "a" and name[0] != "2" else 1 for name in found}
