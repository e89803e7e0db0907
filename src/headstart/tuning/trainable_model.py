"""Trainee: a pretrained network and its head while they are trained."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.sources.networks.torch import state_of
from headstart.tuning.torch_head import TorchHead

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.heads.head import LinearHead
    from headstart.sources import Source
    from headstart.sources.weights import State
    from headstart.tuning.settings import TuningSettings

Weights = dict[str, torch.Tensor]


def fastest_device() -> torch.device:
    """A GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TrainableModel:
    """The network of a source in torch, all of it frozen at first, and a head that learns.

    Attributes
    ----------
    module : as `sources.modules` describes it; it stays in eval mode, so that batch norms keep their statistics
    head : the torch twin of `head`
    task : whose loss is trained on
    first : number of the first block that is trained; those below run once for each item
    device : where both lie
    """

    def __init__(self, source: Source, head: LinearHead, features: FloatArray, task: TaskSpec) -> None:
        self.device = fastest_device()
        self.source, self.task = source, task
        module: Any = source.module()
        self.module = module
        self.module.to(self.device, memory_format=torch.channels_last).requires_grad_(requires_grad=False)
        self.head = TorchHead(head, features).to(self.device)
        self.first = len(self.module.blocks)
        self._learning: dict[str, torch.nn.Parameter] = {}

    def fix_learning(self) -> None:
        """Fix what learns: the head, and every parameter that needs a gradient now, though it may be frozen for a while."""
        network = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        self._learning = network | {f"head.{name}": p for name, p in self.head.named_parameters()}

    def train_blocks(self, trainable_fraction: float) -> dict[str, torch.nn.Module]:
        """Choose the last `trainable_fraction` of the blocks, a share, to be trained; at least one. Nothing is set to learn by this."""
        blocks = self.module.blocks
        self.first = len(blocks) - max(1, math.ceil(trainable_fraction * len(blocks) - 1e-9))
        return dict(list(blocks.items())[self.first :])

    def features(self, hidden: torch.Tensor | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Run the trained blocks on what the frozen ones gave; shape (n, d)."""
        pooled: torch.Tensor = self.module.pool(self.module.run(hidden, batch, first=self.first), batch)
        return pooled

    def half_precision(self) -> AbstractContextManager[Any]:
        """Compute in bfloat16 inside where the device does so by itself, else in float32 as elsewhere."""
        if self.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def synchronize(self) -> None:
        """Return when the device has done what it was told, for clocks; the processor always has."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def trainable_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Everything that learns, by name; the head's names begin with `head.`."""
        return self._learning

    def rates(self, settings: TuningSettings) -> dict[str, float]:
        """The largest learning rate of everything that learns: blocks further from the output learn more slowly."""
        blocks = list(self.module.blocks.values())
        distance = {id(p): len(blocks) - 1 - i for i, block in enumerate(blocks) for p in block.parameters()}
        return {
            name: settings.head_learning_rate
            if name.startswith("head.")
            else settings.learning_rate * settings.layer_decay ** distance[id(p)]
            for name, p in self.trainable_parameters().items()
        }

    def weights(self) -> Weights:
        """Copy everything that learns."""
        return {name: p.detach().clone() for name, p in self.trainable_parameters().items()}

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put weights in place."""
        with torch.no_grad():
            for name, p in self.trainable_parameters().items():
                p.copy_(weights[name])

    def changed(self) -> State:
        """The network's arrays that differ from the source's, as its state names them."""
        before = self.source.state()
        return {
            name: array
            for name, array in state_of(self.module).items()
            if not np.array_equal(array, np.asarray(before[name], np.float32))
        }
