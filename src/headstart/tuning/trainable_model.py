"""TrainableModel: a pretrained network and its head during training."""

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
_BatchNorm = torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.BatchNorm3d
_BATCH_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)
_RUNNING_STATISTICS = ("running_mean", "running_var")


def fastest_device() -> torch.device:
    """A GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TrainableModel:
    """The network of a source in torch, frozen at first, with a trainable head.

    Attributes
    ----------
    module : as `sources.networks.torch` describes it; in eval mode, but for batch norms that learn while `features` trains
    head : the torch twin of `head`
    task : defines the training loss
    first : index of the first block that is trained; the blocks before it run once per item
    device : of both
    """

    def __init__(self, source: Source, head: LinearHead, features: FloatArray, task: TaskSpec) -> None:
        self.device = fastest_device()
        self.source, self.task = source, task
        module: Any = source.module()
        self.module = module
        self.module.to(self.device, memory_format=torch.channels_last).requires_grad_(requires_grad=False)
        self.head = TorchHead(head, features).to(self.device)
        self.first = len(self.module.blocks)
        self._trainable: dict[str, torch.nn.Parameter] = {}
        self._norms: dict[str, _BatchNorm] = {}

    def register_trainable(self) -> None:
        """Train the head and every parameter that requires a gradient now, even if it is frozen for a while later."""
        network = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        self._trainable = network | {f"head.{name}": p for name, p in self.head.named_parameters()}

    def trainable_blocks(self, trainable_fraction: float) -> dict[str, torch.nn.Module]:
        """The last `trainable_fraction` of the blocks, at least one, from `first` on; sets `first`, but no `requires_grad`."""
        blocks = self.module.blocks
        self.first = len(blocks) - max(1, math.ceil(trainable_fraction * len(blocks) - 1e-9))
        return dict(list(blocks.items())[self.first :])

    def learn_statistics(self) -> None:
        """Let the batch norms of the trained blocks learn the means and variances of the items."""
        inside = {layer for block in list(self.module.blocks.values())[self.first :] for layer in block.modules()}
        self._norms = {
            name: layer
            for name, layer in self.module.named_modules()
            if layer in inside and isinstance(layer, _BATCH_NORMS) and layer.track_running_stats
        }

    @property
    def norms(self) -> dict[str, _BatchNorm]:
        """Batch norms that learn their statistics, by name."""
        return self._norms

    def statistics(self) -> Weights:
        """Running means and variances of the batch norms that learn them, by their names in the source's state."""
        return {
            f"{name}.{kind}": getattr(norm, kind) for name, norm in self._norms.items() for kind in _RUNNING_STATISTICS
        }

    def features(
        self, hidden: torch.Tensor | None, batch: Mapping[str, torch.Tensor], *, training: bool = False
    ) -> torch.Tensor:
        """Run the trained blocks on the outputs of the frozen ones; shape (n, d).

        Parameters
        ----------
        training : whether learning batch norms normalize by the batch, and update their running statistics
        """
        for norm in self._norms.values():
            norm.train(mode=training)
        pooled: torch.Tensor = self.module.pool(self.module.run(hidden, batch, first=self.first), batch)
        for norm in self._norms.values():
            norm.train(mode=False)
        return pooled

    def half_precision(self) -> AbstractContextManager[Any]:
        """Context that computes in bfloat16 if the GPU supports it natively, else in float32."""
        if self.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def synchronize(self) -> None:
        """Wait until the device has finished its work, for timing."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def trainable_parameters(self) -> dict[str, torch.nn.Parameter]:
        """All trained parameters by name; those of the head start with `head.`."""
        return self._trainable

    def rates(self, settings: TuningSettings) -> dict[str, float]:
        """The peak learning rate of each trained parameter; it decays with the distance of the block from the output."""
        blocks = list(self.module.blocks.values())
        distance = {id(p): len(blocks) - 1 - i for i, block in enumerate(blocks) for p in block.parameters()}
        return {
            name: settings.head_learning_rate
            if name.startswith("head.")
            else settings.learning_rate * settings.layer_decay ** distance[id(p)]
            for name, p in self.trainable_parameters().items()
        }

    def weights(self) -> Weights:
        """Copy the trained parameters and the learned statistics of batch norms."""
        return {name: p.detach().clone() for name, p in self._tensors().items()}

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Set the trained parameters and the learned statistics of batch norms."""
        with torch.no_grad():
            for name, p in self._tensors().items():
                p.copy_(weights[name])

    def _tensors(self) -> Weights:
        return {**self.trainable_parameters(), **self.statistics()}

    def changed(self) -> State:
        """Arrays of the network that differ from the source's, by their names in its state."""
        before = self.source.state()
        return {
            name: array
            for name, array in state_of(self.module).items()
            if not np.array_equal(array, np.asarray(before[name], np.float32))
        }
