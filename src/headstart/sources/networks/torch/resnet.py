"""ResNet, version 1, as a torch module (He et al., arXiv:1512.03385)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from headstart.sources.networks.onnx.resnet import EPSILON, blocks
from headstart.sources.networks.torch.convolution import ConvolutionalBlocks, NormalisedPixels, batch_norm, convolution

if TYPE_CHECKING:
    from headstart.sources.card import Card
    from headstart.sources.weights import State

_BRANCHES = ("2a", "2b", "2c", "1")


class ResNet(ConvolutionalBlocks):
    """Photos (n, height, width, 3), uint8, become features (n, 2048).

    All layers are direct children of the module, like their names in the state.
    """

    def __init__(self, state: State, card: Card) -> None:
        super().__init__()
        self.normalise = NormalisedPixels(card)
        self._names = tuple(blocks(state))
        self._add("conv1", "bn_conv1", state, 2)
        for block, stride in blocks(state).items():
            for branch in _BRANCHES:
                name = f"{block}_branch{branch}"
                if f"res{name}.weight" in state:
                    self._add(f"res{name}", f"bn{name}", state, stride if branch in ("2a", "1") else 1)

    @property
    def blocks(self) -> dict[str, nn.Module]:
        """The parts from the input to the output."""
        children = dict(self.named_children())
        parts: dict[str, nn.Module] = {"stem": nn.ModuleList([children["conv1"], children["bn_conv1"]])}
        for block in self._names:
            starts = (f"res{block}_", f"bn{block}_")
            parts[f"block {block}"] = nn.ModuleList(
                child for name, child in children.items() if name.startswith(starts)
            )
        return parts

    def compute(self, name: str, x: Tensor) -> Tensor:
        """Run one block."""
        if name == "stem":
            x = x.flip(1)  # the first kernels expect blue, green, red
            return max_pool2d(relu(self._layer(x, "conv1", "bn_conv1")), 3, 2, 1)
        block = name.removeprefix("block ")
        inside = relu(self._branch(x, block, "2a"))
        inside = self._branch(relu(self._branch(inside, block, "2b")), block, "2c")
        return relu(inside + (self._branch(x, block, "1") if hasattr(self, f"res{block}_branch1") else x))

    def _add(self, name: str, norm: str, state: State, stride: int) -> None:
        self.add_module(name, convolution(state, name, stride=stride))
        self.add_module(norm, batch_norm(state, norm, EPSILON))

    def _branch(self, x: Tensor, block: str, branch: str) -> Tensor:
        return self._layer(x, f"res{block}_branch{branch}", f"bn{block}_branch{branch}")

    def _layer(self, x: Tensor, name: str, norm: str) -> Tensor:
        normalised: Tensor = self.get_submodule(norm)(self.get_submodule(name)(x))
        return normalised
