"""Contrastive tuning of a text network on few labels: texts of one class are pulled together, then a head is fitted.

References
----------
Tunstall et al., Efficient few-shot learning without prompts, arXiv:2209.11055 (SetFit, which samples its pairs beforehand).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.tuning.contrast import balanced_batch, cosine_regression
from headstart.tuning.settings import TuningSettings
from headstart.tuning.tuning_method import TuningMethod

if TYPE_CHECKING:
    import torch

    from headstart.core.dataset import IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.sources import Source
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.trainable_model import TrainableModel
    from headstart.tuning.training_set import TrainingSet

_MAX_PER_CLASS = 128  # items; more were not measured (docs/log.md)


@dataclass(frozen=True, kw_only=True)
class Contrastive(TuningMethod):
    """Train all weights of the last blocks on the pairs within each batch."""

    name: ClassVar[str] = "contrastive"
    order: ClassVar[int] = 1
    refits_head: ClassVar[bool] = True
    preprocessor: ClassVar[str | None] = TextTokenizer.kind
    unused_settings: ClassVar[tuple[str, ...]] = ("head_learning_rate", "dropout", "label_smoothing", "mixup")
    settings: TuningSettings = field(
        default_factory=lambda: TuningSettings(
            learning_rate=3e-4, epochs=2, min_steps=16, trainable_fraction=0.5, layer_decay=1.0, max_tokens=128
        )
    )

    def supports(self, source: Source, task: TaskSpec) -> bool:
        """Single-label tasks on texts."""
        return super().supports(source, task) and task.is_single_label

    def is_worth_trying(self, n_items: int, n_outputs: int) -> bool:
        """Only with few labels per class."""
        return n_items <= _MAX_PER_CLASS * n_outputs

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Train all parameters of the last `trainable_fraction` of the blocks."""
        for block in model.trainable_blocks(settings.trainable_fraction).values():
            block.requires_grad_()

    def batch_size(self, n_items: int, settings: TuningSettings) -> int:
        """As many as the setting says: the number of pairs grows with the square."""
        return min(settings.batch_size, n_items)

    def batches(
        self,
        loader: FrozenFeatureLoader,  # noqa: ARG002  (all methods share one signature)
        training_set: TrainingSet,
        settings: TuningSettings,
        seed: int,
        epoch: int,
    ) -> list[IntArray]:
        """As many batches as would contain all items once, each balanced over the classes."""
        labels, rng = training_set.targets.argmax(axis=1), np.random.default_rng([seed, epoch])
        size = self.batch_size(len(labels), settings)
        return [training_set.index[balanced_batch(labels, size, rng)] for _ in range(round(len(labels) / size))]

    def loss(
        self,
        model: TrainableModel,  # noqa: ARG002
        features: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,  # noqa: ARG002
        settings: TuningSettings,  # noqa: ARG002
    ) -> torch.Tensor:
        """The squared error of the cosines; balanced batches replace class weights."""
        return cosine_regression(features, targets.argmax(dim=1))
