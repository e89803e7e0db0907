"""Shared parts of convolutional modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from headstart.sources.networks.onnx.convolution import is_depthwise, pixel_statistics
from headstart.sources.networks.torch.stepwise import Stepwise

if TYPE_CHECKING:
    from headstart.sources.card import Card
    from headstart.sources.networks.torch.stepwise import Batch
    from headstart.sources.weights import State


class NormalisedPixels(nn.Module):
    """uint8 (n, height, width, 3), RGB, becomes float (n, 3, height, width), normalized as the card says."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        mean, std = (torch.from_numpy(values) for values in pixel_statistics(card))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Subtract the mean and divide by the deviation."""
        return ((pixels.float() - self.get_buffer("mean")) / self.get_buffer("std")).permute(0, 3, 1, 2)


class SameConvolution(nn.Conv2d):
    """A convolution padded like TensorFlow's 'same': if the padding is odd, the larger half is right and below."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad, then convolve; the convolution itself pads evenly, which saves a copy of the input."""
        pads: list[int] = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        left, right, top, bottom = pads
        if (left, top) == (right, bottom):
            return functional.conv2d(x, self.weight, self.bias, self.stride, (top, left), 1, self.groups)
        return super().forward(functional.pad(x, pads))


def convolution(state: State, name: str, *, stride: int = 1, same: bool = False) -> nn.Conv2d:
    """Make a convolution with the shape of `name` in the state; padded by half its kernel, or TensorFlow's 'same'."""
    weight = state[f"{name}.weight"]
    depthwise = is_depthwise(weight)
    kind = SameConvolution if same else nn.Conv2d
    return kind(
        weight.shape[0] if depthwise else weight.shape[1],
        weight.shape[0],
        weight.shape[2],
        stride,
        padding=0 if same else weight.shape[2] // 2,
        groups=weight.shape[0] if depthwise else 1,
        bias=f"{name}.bias" in state,
    )


def batch_norm(state: State, name: str, epsilon: float) -> nn.BatchNorm2d:
    """Make a batch norm with the shape of `name` in the state."""
    return nn.BatchNorm2d(len(state[f"{name}.weight"]), eps=epsilon)


class ConvolutionalBlocks(Stepwise, nn.Module):
    """Blocks on hidden values (n, channels, height, width), and their mean over the positions."""

    normalise: NormalisedPixels

    def compute(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Run one block; the first one takes normalized pixels."""
        raise NotImplementedError

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        """Run one block; pixels are normalized before the first one."""
        return self.compute(name, self.normalise(batch["pixels"]) if hidden is None else hidden)

    def pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: ARG002  (texts need the batch)
        """Average (n, channels, height, width) over the positions: (n, channels)."""
        return hidden.mean(dim=(2, 3))
