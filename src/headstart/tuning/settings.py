"""Settings: the numbers of one training run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

_LOWER_RATES = 3.0

Augmentation = Literal["none", "flip", "light"]


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """What a method starts from and a search draws.

    Attributes
    ----------
    learning_rate : largest step of the block next to the output, in AdamW's units
    head_learning_rate : the same of the head, whose features are scaled to a root mean square of one
    epochs : how often each item is seen
    min_steps : more epochs where those would be fewer steps than this
    max_steps : the run ends there, however many items are left: its time does not grow beyond
    batch_size : items of one step at most; fewer where there are few items (`TuningMethod.batch_size`)
    trainable_fraction : share of the network's blocks, counted from the output, that may be trained, in (0, 1]
    layer_decay : the rate of a block is that of the next one times this, in (0, 1]
    weight_decay : pull towards zero, as in AdamW
    l2_sp : pull towards the pretrained weights, likewise
    dropout : share of the features that is left out in each step
    label_smoothing : probability that is spread over all classes
    mixup : both parameters of the beta distribution by which features and targets are mixed in pairs; 0 for none
    augmentation : 'none', 'flip' or 'light'; the last shows other pixels in each epoch, so that nothing can be cached
    rank : of LoRA's matrices
    soup_members : other settings of the same depth and augmentation; the weights of all runs are averaged (`tuning.soup`)
    """

    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-4
    epochs: int = 3
    min_steps: int = 40
    max_steps: int = 190
    batch_size: int = 32
    trainable_fraction: float = 0.25
    layer_decay: float = 0.8
    weight_decay: float = 0.01
    l2_sp: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.0
    augmentation: Augmentation = "flip"
    rank: int = 8
    soup_members: tuple[TuningSettings, ...] = ()

    @property
    def all_settings(self) -> tuple[TuningSettings, ...]:
        """The settings of the runs that are averaged, one by one."""
        return (replace(self, soup_members=()), *self.soup_members)

    @property
    def with_lower_rates(self) -> TuningSettings:
        """The same at a third of the rates."""
        return replace(
            self,
            learning_rate=self.learning_rate / _LOWER_RATES,
            head_learning_rate=self.head_learning_rate / _LOWER_RATES,
            soup_members=tuple(one.with_lower_rates for one in self.soup_members),
        )

    def n_steps(self, n_batches: int) -> int:
        """Steps of a whole run, where an epoch has so many batches."""
        return min(max(self.epochs, math.ceil(self.min_steps / n_batches)) * n_batches, self.max_steps)
