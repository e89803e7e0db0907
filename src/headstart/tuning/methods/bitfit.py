"""BitFit: train only the biases, and the scales and shifts of norms, of the last blocks: a thousandth of the weights.

References
----------
Ben Zaken, Ravfogel and Goldberg, BitFit: simple parameter-efficient fine-tuning for transformer-based masked language-models,
ACL 2022. Frankle, Schwab and Morcos, Training BatchNorm and only BatchNorm, ICLR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from headstart.tuning.settings import TuningSettings
from headstart.tuning.tuning_method import TuningMethod

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.sources import Source
    from headstart.tuning.trainable_model import TrainableModel


@dataclass(frozen=True, kw_only=True)
class BitFit(TuningMethod):
    """Train all parameters with one number per channel; batch norms learn their statistics if `learn_statistics` is set."""

    name: ClassVar[str] = "bitfit"
    order: ClassVar[int] = 2
    settings: TuningSettings = field(
        default_factory=lambda: TuningSettings(learning_rate=2e-3, layer_decay=1.0, weight_decay=0.0)
    )

    def supports(self, source: Source, task: TaskSpec) -> bool:  # noqa: ARG002
        """Networks with such parameters; a table of word vectors has none."""
        return any(array.ndim == 1 for array in source.state().values())

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Train the one-dimensional parameters of the last `trainable_fraction` of the blocks."""
        for block in model.trainable_blocks(settings.trainable_fraction).values():
            for parameter in block.parameters():
                parameter.requires_grad_(parameter.ndim == 1)
