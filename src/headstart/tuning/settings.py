"""TuningSettings: the hyperparameters of a training run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

_RATE_DIVISOR = 3.0

Augmentation = Literal["none", "flip", "crop", "light"]


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """Hyperparameters of a training run; a search varies some of them.

    Attributes
    ----------
    learning_rate : peak rate of the last block, for AdamW
    head_learning_rate : peak rate of the head, whose features are scaled to a root mean square of 1
    epochs : how often each item is seen
    min_steps : run more epochs if those would be fewer steps
    max_steps : stop there, so that the time of a run is bounded
    batch_size, min_batch_size : limits of the number of items per step; fewer if there are few items (`TuningMethod.batch_size`)
    trainable_fraction : share of the network's blocks, counted from the output, that are trained, in (0, 1]
    unfreezing : share of the training during which blocks are unfrozen one by one, by methods that do so; 0: all from the start
    learn_statistics : batch norms of the trained blocks learn their statistics, if a step has at least 12 items
    layer_decay : ratio of a block's rate to that of the next block, in (0, 1]
    weight_decay : decay towards zero, as in AdamW
    l2_sp : decay towards the pretrained weights
    dropout : share of the features that are dropped in each step
    label_smoothing : probability spread over all classes
    mixup : parameter of the symmetric beta distribution for mixing features and targets in pairs; 0 for none
    augmentation : 'none', 'flip', 'crop' or 'light'; with the last two, pixels differ in each epoch, so that outputs of
        frozen blocks cannot be cached
    resolution : side of the photos that 'crop' makes, as a share of the side of the network's input
    max_tokens : texts are cut there in training, but not where they are evaluated; 0: nowhere
    rank : of the LoRA matrices
    soup_members : settings of further runs with the same trainable_fraction, learn_statistics and augmentation; the weights of all are averaged
        (`tuning.soup`)
    """

    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-4
    epochs: int = 3
    min_steps: int = 40
    max_steps: int = 190
    batch_size: int = 32
    min_batch_size: int = 8
    trainable_fraction: float = 0.25
    unfreezing: float = 0.3
    learn_statistics: bool = True
    layer_decay: float = 0.8
    weight_decay: float = 0.01
    l2_sp: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.0
    augmentation: Augmentation = "flip"
    resolution: float = 1.0
    max_tokens: int = 0
    rank: int = 8
    soup_members: tuple[TuningSettings, ...] = ()

    @property
    def all_settings(self) -> tuple[TuningSettings, ...]:
        """The settings of all runs that are averaged."""
        return (replace(self, soup_members=()), *self.soup_members)

    @property
    def with_lower_rates(self) -> TuningSettings:
        """The same settings with a third of the learning rates."""
        return replace(
            self,
            learning_rate=self.learning_rate / _RATE_DIVISOR,
            head_learning_rate=self.head_learning_rate / _RATE_DIVISOR,
            soup_members=tuple(one.with_lower_rates for one in self.soup_members),
        )

    def shortened(self, share: float) -> TuningSettings:
        """The same settings for a run of that share of the steps."""
        if share >= 1:
            return self
        return replace(
            self,
            epochs=max(1, round(self.epochs * share)),
            min_steps=max(1, round(self.min_steps * share)),
            max_steps=max(1, round(self.max_steps * share)),
        )

    def n_steps(self, n_batches: int) -> int:
        """Number of steps of a run with this many batches per epoch."""
        return min(max(self.epochs, math.ceil(self.min_steps / n_batches)) * n_batches, self.max_steps)
