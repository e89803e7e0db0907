"""Strategy: which of a network's weights learn, and from what loss; one file each, registered by an entry point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn import functional

from headstart.tuning.settings import TuningSettings

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.sources import Source
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.trainable_model import TrainableModel
    from headstart.tuning.training_set import TrainingSet

_LEAST_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class TuningMethod:
    """What methods share; each may say otherwise.

    Attributes
    ----------
    name : the name under which it is registered
    order : the lower, the earlier it is tried: the order depends on no clock, so that two runs tuning alike
    refits_head : whether the closed-form head is fitted anew on the tuned features, rather than trained with them
    unused_settings : names of settings that its loss does not read, so that no search draws them
    preprocessor : the kind of preprocessor whose sources it can tune; None for all
    settings : where it starts from
    """

    name: ClassVar[str]
    order: ClassVar[int]
    refits_head: ClassVar[bool] = False
    unused_settings: ClassVar[tuple[str, ...]] = ()
    preprocessor: ClassVar[str | None] = None
    settings: TuningSettings = field(default_factory=TuningSettings)

    def supports(self, source: Source, task: TaskSpec) -> bool:  # noqa: ARG002
        """Say whether it can do this at all."""
        return self.preprocessor in (None, source.input.kind)

    def is_worth_trying(self, n_items: int, n_outputs: int) -> bool:  # noqa: ARG002
        """Say whether it is worth its time on so many items for so many classes."""
        return True

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Say which parameters learn."""
        raise NotImplementedError

    def start(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Prepare a model; from here on the same parameters learn, though some may be unfrozen later than others."""
        self.prepare(model, settings)
        model.fix_learning()

    def finish(self, model: TrainableModel) -> dict[str, FloatArray]:  # noqa: ARG002
        """Merge into the network what was put beside it; give a small adapter's arrays, if that is all that changed."""
        return {}

    def unfreeze(self, model: TrainableModel, done: float, settings: TuningSettings) -> None:
        """Let more of the network learn as training goes on; `done` is the share of the steps."""

    def batch_size(self, n_items: int, settings: TuningSettings) -> int:
        """Items of one step: fewer than asked for where `min_steps` of those would show each item more than `epochs` times."""
        first_sufficient_folds = round(n_items * settings.epochs / max(settings.min_steps, 1))
        return min(settings.batch_size, max(_LEAST_BATCH, first_sufficient_folds))

    def batches(
        self, loader: FrozenFeatureLoader, training_set: TrainingSet, settings: TuningSettings, seed: int, epoch: int
    ) -> list[IntArray]:
        """The positions of each step of an epoch."""
        size = self.batch_size(len(training_set.index), settings)
        return loader.batches(training_set.index, size, seed, epoch)

    def loss(
        self,
        model: TrainableModel,
        features: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        settings: TuningSettings,
    ) -> torch.Tensor:
        """The weighted mean loss of the head's outputs, regularised by dropout, mixup and label smoothing."""
        if settings.mixup > 0:
            share = torch.distributions.Beta(settings.mixup, settings.mixup).sample((len(features), 1))
            share, partner = (chance.to(features.device) for chance in (share, torch.randperm(len(features))))
            features, targets = (share * x + (1 - share) * x[partner] for x in (features, targets))
        scores = model.head(functional.dropout(features, settings.dropout))
        losses = model.task.torch_losses(scores, targets, label_smoothing=settings.label_smoothing)
        return (losses * weights).mean()
