"""MobileNetV2 as a torch module (Sandler et al., arXiv:1801.04381)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from headstart.sources.networks.onnx.mobilenet_v2 import EPSILON, STRIDES
from headstart.sources.networks.torch.convolution import ConvolutionalBlocks, NormalisedPixels, batch_norm, convolution

if TYPE_CHECKING:
    from headstart.sources.card import Card
    from headstart.sources.weights import State


class MobileNetV2(ConvolutionalBlocks):
    """Photos (n, height, width, 3), uint8, become features (n, 1280)."""

    def __init__(self, state: State, card: Card) -> None:
        super().__init__()
        self.normalise = NormalisedPixels(card)
        middle = [_InvertedResidual(state, f"features.{i}.conv.", stride) for i, stride in enumerate(STRIDES, start=1)]
        last = _layer(state, f"features.{len(STRIDES) + 1}.", 1)
        self.features = nn.Sequential(_layer(state, "features.0.", 2), *middle, last)

    @property
    def blocks(self) -> dict[str, nn.Module]:
        """The parts from the input to the output."""
        stem, *middle, head = self.features
        return {"stem": stem, **{f"block {i}": block for i, block in enumerate(middle)}, "head": head}

    def compute(self, name: str, x: Tensor) -> Tensor:
        """Run one block."""
        computed: Tensor = self.blocks[name](x)
        return computed


class _InvertedResidual(nn.Module):
    def __init__(self, state: State, prefix: str, stride: int) -> None:
        super().__init__()
        expands = f"{prefix}3.weight" in state
        layers: list[nn.Module] = [_layer(state, f"{prefix}0.", 1)] if expands else []
        layers.append(_layer(state, f"{prefix}{len(layers)}.", stride))
        last = len(layers)
        layers += [convolution(state, f"{prefix}{last}"), batch_norm(state, f"{prefix}{last + 1}", EPSILON)]
        self.conv = nn.Sequential(*layers)
        self.keeps_size = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        inside: Tensor = self.conv(x)
        return x + inside if self.keeps_size and x.shape[1] == inside.shape[1] else inside


def _layer(state: State, prefix: str, stride: int) -> nn.Sequential:
    norm = batch_norm(state, f"{prefix}1", EPSILON)
    return nn.Sequential(convolution(state, f"{prefix}0", stride=stride), norm, nn.ReLU6())
