"""Fine-tuning: the head first, then the last block, then more, each further one more slowly.

References
----------
Howard and Ruder, Universal language model fine-tuning, ACL 2018 (gradual unfreezing, rates that fall with depth).
Kumar et al., Fine-tuning can distort pretrained features, ICLR 2022 (begin with the fitted head).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.tuning.tuning_method import TuningMethod

if TYPE_CHECKING:
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.trainable_model import TrainableModel

_ALL_UNFROZEN = 0.3  # share of the training after which every block that may learn does


@dataclass(frozen=True, kw_only=True)
class FineTune(TuningMethod):
    """All weights of the last blocks learn."""

    name: ClassVar[str] = "fine-tune"
    order: ClassVar[int] = 4

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """All parameters of the last `trainable_fraction` of the blocks."""
        for block in model.train_blocks(settings.trainable_fraction).values():
            block.requires_grad_()

    def unfreeze(self, model: TrainableModel, done: float, settings: TuningSettings) -> None:
        """Reach one block further down at a time, the lowest after three tenths of the training."""
        blocks = list(model.train_blocks(settings.trainable_fraction).values())[::-1]
        for distance, block in enumerate(blocks):
            is_thawed = done >= _ALL_UNFROZEN * distance / len(blocks)
            for parameter in block.parameters():
                parameter.grad = None if not is_thawed else parameter.grad
                parameter.requires_grad_(is_thawed)
