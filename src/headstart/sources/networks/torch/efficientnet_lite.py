"""EfficientNet-Lite as a torch module (Tan and Le, arXiv:1905.11946)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import relu6

from headstart.sources.networks.onnx.efficientnet_lite import EPSILON, blocks
from headstart.sources.networks.torch.convolution import ConvolutionalBlocks, NormalisedPixels, batch_norm, convolution

if TYPE_CHECKING:
    from headstart.sources.card import Card
    from headstart.sources.weights import State


class EfficientNetLite(ConvolutionalBlocks):
    """Photos (n, height, width, 3), uint8, become features (n, 1280)."""

    def __init__(self, state: State, card: Card) -> None:
        super().__init__()
        self.normalise = NormalisedPixels(card)
        self._conv_stem = convolution(state, "_conv_stem", stride=2, same=True)
        self._bn0 = batch_norm(state, "_bn0", EPSILON)
        self._blocks = nn.ModuleList(
            _InvertedResidual(state, f"_blocks.{block}.", stride) for block, (stride, _) in enumerate(blocks(card))
        )
        self._conv_head = convolution(state, "_conv_head", same=True)
        self._bn1 = batch_norm(state, "_bn1", EPSILON)

    @property
    def blocks(self) -> dict[str, nn.Module]:
        """The parts from the input to the output."""
        middle: dict[str, nn.Module] = {f"block {i}": block for i, block in enumerate(self._blocks)}
        stem, head = (nn.ModuleList(part) for part in ((self._conv_stem, self._bn0), (self._conv_head, self._bn1)))
        return {"stem": stem, **middle, "head": head}

    def compute(self, name: str, x: Tensor) -> Tensor:
        """Run one block."""
        if name == "stem":
            return relu6(self._bn0(self._conv_stem(x)))
        computed: Tensor = relu6(self._bn1(self._conv_head(x))) if name == "head" else self.blocks[name](x)
        return computed


class _InvertedResidual(nn.Module):
    def __init__(self, state: State, prefix: str, stride: int) -> None:
        super().__init__()
        self.expands = f"{prefix}_expand_conv.weight" in state
        if self.expands:
            self._expand_conv = convolution(state, f"{prefix}_expand_conv", same=True)
            self._bn0 = batch_norm(state, f"{prefix}_bn0", EPSILON)
        self._depthwise_conv = convolution(state, f"{prefix}_depthwise_conv", stride=stride, same=True)
        self._bn1 = batch_norm(state, f"{prefix}_bn1", EPSILON)
        self._project_conv = convolution(state, f"{prefix}_project_conv", same=True)
        self._bn2 = batch_norm(state, f"{prefix}_bn2", EPSILON)
        self.keeps_size = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        inside = relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        inside = relu6(self._bn1(self._depthwise_conv(inside)))
        inside = self._bn2(self._project_conv(inside))
        return x + inside if self.keeps_size and x.shape[1] == inside.shape[1] else inside
