"""TuningMethod: which weights of a network are trained, and on which loss; one file each, registered by an entry point."""

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

_MIN_FOR_STATISTICS = 12  # items per step: the variances of fewer are too noisy to normalize by


@dataclass(frozen=True, kw_only=True)
class TuningMethod:
    """Base class of all tuning methods, with defaults to override.

    Attributes
    ----------
    name : the name it is registered under
    order : methods with a lower number are tried earlier; fixed, so that the order does not depend on measured times
    first_on : the kind of preprocessor whose sources it is tried first on, whatever the order; None for none
    refits_head : whether a closed-form head is fitted on the tuned features, rather than trained with the network
    unused_settings : names of settings that it does not read, so that a search skips them
    preprocessor : the kind of preprocessor whose sources it can tune; None for all
    settings : its default settings
    """

    name: ClassVar[str]
    order: ClassVar[int]
    first_on: ClassVar[str | None] = None
    refits_head: ClassVar[bool] = False
    unused_settings: ClassVar[tuple[str, ...]] = ()
    preprocessor: ClassVar[str | None] = None
    settings: TuningSettings = field(default_factory=TuningSettings)

    def supports(self, source: Source, task: TaskSpec) -> bool:  # noqa: ARG002
        """Whether it can tune this source for this task."""
        return self.preprocessor in (None, source.input.kind)

    def is_worth_trying(self, n_items: int, n_outputs: int) -> bool:  # noqa: ARG002
        """Whether it is worth its time with this many items and outputs."""
        return True

    def prepare(self, model: TrainableModel, settings: TuningSettings) -> None:
        """Set `requires_grad` of the parameters to train."""
        raise NotImplementedError

    def start(self, model: TrainableModel, settings: TuningSettings, n_items: int) -> None:
        """Prepare a model to be trained on `n_items` and register its trainable parameters; some may be unfrozen later than others."""
        self.prepare(model, settings)
        model.register_trainable()
        n_batches = max(1, round(n_items / self.batch_size(n_items, settings)))
        if settings.learn_statistics and n_items // n_batches >= _MIN_FOR_STATISTICS:
            model.learn_statistics()

    def finish(self, model: TrainableModel) -> dict[str, FloatArray]:  # noqa: ARG002
        """Merge adapters into the network; return the arrays of a small adapter, if that is all that changed."""
        return {}

    def unfreeze(self, model: TrainableModel, done: float, settings: TuningSettings) -> None:
        """Unfreeze more of the network as training proceeds; `done` is the share of steps done."""

    def batch_size(self, n_items: int, settings: TuningSettings) -> int:
        """Items per step: fewer than the setting if `min_steps` of them would show each item more than `epochs` times."""
        affordable = round(n_items * settings.epochs / max(settings.min_steps, 1))
        return min(settings.batch_size, max(settings.min_batch_size, affordable))

    def batches(
        self, loader: FrozenFeatureLoader, training_set: TrainingSet, settings: TuningSettings, seed: int, epoch: int
    ) -> list[IntArray]:
        """Positions of the items of each step of an epoch."""
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
        """Weighted mean loss of the head's outputs, regularized by dropout, mixup and label smoothing."""
        if settings.mixup > 0:
            share = torch.distributions.Beta(settings.mixup, settings.mixup).sample((len(features), 1))
            share, partner = (drawn.to(features.device) for drawn in (share, torch.randperm(len(features))))
            features, targets = (share * x + (1 - share) * x[partner] for x in (features, targets))
        scores = model.head(functional.dropout(features, settings.dropout))
        losses = model.task.torch_losses(scores, targets, label_smoothing=settings.label_smoothing)
        return (losses * weights).mean()
