"""LoRA: train a product of two low-rank matrices beside each frozen linear layer and convolution of the last blocks.

References
----------
Hu et al., LoRA: Low-rank adaptation of large language models, arXiv:2106.09685; the layers are PEFT's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from headstart.core.errors import OptionError, require
from headstart.tuning.settings import TuningSettings
from headstart.tuning.tuning_method import TuningMethod

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.sources import Source
    from headstart.tuning.trainable_model import TrainableModel

_SEED = 0  # for the initial low-rank weights, so that a restarted run starts equally


@dataclass(frozen=True, kw_only=True)
class Lora(TuningMethod):
    """`weight + outer @ inner`, of rank `settings.rank`, merged at the end; `outer` starts at zero, so the network starts unchanged.

    Depthwise convolutions are skipped: their kernels are already as small as an adapter.
    """

    name: ClassVar[str] = "lora"
    order: ClassVar[int] = 3
    settings: TuningSettings = field(
        default_factory=lambda: TuningSettings(learning_rate=1e-3, layer_decay=1.0, weight_decay=0.0, l2_sp=0.0)
    )

    def supports(self, source: Source, task: TaskSpec) -> bool:  # noqa: ARG002
        """Networks with layers; a table of word vectors has none."""
        return any(array.ndim == 1 for array in source.state().values())

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Add adapters to the layers of the last `trainable_fraction` of the blocks.

        Raises
        ------
        OptionError
            Those blocks have no layer that LoRA can adapt.
        MissingExtraError
            PEFT is not installed.
        """
        names = adaptable(model.module, model.trainable_blocks(settings.trainable_fraction).values())
        if not names:
            raise OptionError(
                f"LoRA found no linear layer or convolution in the last {settings.trainable_fraction:.0%} of {model.source.name}. "
                "Increase trainable_fraction, or use another method."
            )
        peft = _peft()
        config = peft.LoraConfig(
            r=settings.rank,
            lora_alpha=settings.rank,  # no scale besides the matrices
            target_modules="|".join(map(re.escape, names)),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            peft.inject_adapter_in_model(config, model.module)

    def finish(self, model: TrainableModel) -> dict[str, FloatArray]:
        """Merge the products into the weights; return the low-rank matrices as `LAYER.lora_A.weight` and `LAYER.lora_B.weight`.

        Statistics that batch norms learned are part of the adapter, under their own names.
        """
        lora_layer = _peft().tuners.lora.LoraLayer
        adapted = {name: layer for name, layer in model.module.named_modules() if isinstance(layer, lora_layer)}
        arrays: dict[str, FloatArray] = {
            name: array.detach().cpu().numpy().copy() for name, array in model.statistics().items()
        }
        for name, layer in adapted.items():
            for part in ("lora_A", "lora_B"):
                (low_rank,) = getattr(layer, part).values()
                arrays[f"{name}.{part}.weight"] = low_rank.weight.detach().cpu().numpy().copy()
            layer.merge()
            model.module.set_submodule(name, layer.get_base_layer())
        return arrays


def adaptable(module: nn.Module, blocks: Iterable[nn.Module]) -> list[str]:
    """Names of the layers within the blocks that LoRA can adapt."""
    inside = {layer for block in blocks for layer in block.modules()}
    return [name for name, layer in module.named_modules() if layer in inside and _can_adapt(layer)]


def _can_adapt(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)


def _peft() -> ModuleType:
    return require("peft", extra="train", purpose="LoRA")
