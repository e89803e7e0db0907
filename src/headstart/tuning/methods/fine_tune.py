"""Fine-tuning with gradual unfreezing: the head first, then the last block, then earlier blocks at lower rates.

References
----------
Howard and Ruder, Universal language model fine-tuning, ACL 2018 (gradual unfreezing, lower rates for earlier blocks).
Kumar et al., Fine-tuning can distort pretrained features, ICLR 2022 (start from the fitted head).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.tuning.tuning_method import TuningMethod

if TYPE_CHECKING:
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.trainable_model import TrainableModel


@dataclass(frozen=True, kw_only=True)
class FineTune(TuningMethod):
    """Train all weights of the last blocks, or of all blocks."""

    name: ClassVar[str] = "fine-tune"
    order: ClassVar[int] = 4
    first_on: ClassVar[str | None] = ImagePreprocessor.kind

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Train all parameters of the last `trainable_fraction` of the blocks."""
        for block in model.trainable_blocks(settings.trainable_fraction).values():
            block.requires_grad_()

    def unfreeze(self, model: TrainableModel, done: float, settings: TuningSettings) -> None:
        """Unfreeze one block at a time from the output on, the last one after `settings.unfreezing` of the training."""
        blocks = list(model.trainable_blocks(settings.trainable_fraction).values())[::-1]
        for distance, block in enumerate(blocks):
            is_unfrozen = done >= settings.unfreezing * distance / len(blocks)
            for parameter in block.parameters():
                parameter.grad = None if not is_unfrozen else parameter.grad
                parameter.requires_grad_(is_unfrozen)
