"""Strategy: which of a network's weights learn, and from what loss; one file each, registered by an entry point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn import functional

from headstart.tuning.settings import Settings

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.sources import Source
    from headstart.tuning.examples import Examples
    from headstart.tuning.trainee import Trainee
    from headstart.tuning.training_set import Lesson

_LEAST_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What strategies share; each may say otherwise.

    Attributes
    ----------
    name : the name under which it is registered
    turn : the lower, the earlier it is tried: the order hangs on no clock, so that two runs climb alike
    refits_head : whether the closed-form head is fitted anew on the tuned features, rather than trained with them
    unread : names of settings that its loss does not read, so that no search draws them
    preprocessor : the kind of preprocessor whose sources it can tune; None for all
    settings : where it starts from
    """

    name: ClassVar[str]
    turn: ClassVar[int]
    refits_head: ClassVar[bool] = False
    unread: ClassVar[tuple[str, ...]] = ()
    preprocessor: ClassVar[str | None] = None
    settings: Settings = field(default_factory=Settings)

    def suits(self, source: Source, task: TaskSpec) -> bool:  # noqa: ARG002
        """Say whether it can do this at all."""
        return self.preprocessor in (None, source.input.kind)

    def pays(self, n_items: int, n_outputs: int) -> bool:  # noqa: ARG002
        """Say whether it is worth its time on so many items for so many classes."""
        return True

    def prepare(self, trainee: Trainee, settings: Settings) -> None:
        """Say which parameters learn."""
        raise NotImplementedError

    def start(self, trainee: Trainee, settings: Settings) -> None:
        """Prepare a trainee; from here on the same parameters learn, though some may be thawed later than others."""
        self.prepare(trainee, settings)
        trainee.fix_learning()

    def finish(self, trainee: Trainee) -> dict[str, FloatArray]:  # noqa: ARG002
        """Merge into the network what was put beside it; give a small adapter's arrays, if that is all that changed."""
        return {}

    def thaw(self, trainee: Trainee, done: float, settings: Settings) -> None:
        """Let more of the network learn as training goes on; `done` is the share of the steps."""

    def batch_size(self, n_items: int, settings: Settings) -> int:
        """Items of one step: fewer than asked for where `least_steps` of those would show each item more than `epochs` times."""
        enough = round(n_items * settings.epochs / max(settings.least_steps, 1))
        return min(settings.batch_size, max(_LEAST_BATCH, enough))

    def batches(self, examples: Examples, lesson: Lesson, settings: Settings, seed: int, epoch: int) -> list[IntArray]:
        """The positions of each step of an epoch."""
        size = self.batch_size(len(lesson.index), settings)
        return examples.batches(lesson.index, size, seed, epoch)

    def loss(
        self, trainee: Trainee, features: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, settings: Settings
    ) -> torch.Tensor:
        """The weighted mean loss of the head's outputs, regularised by dropout, mixup and label smoothing."""
        if settings.mixup > 0:
            share = torch.distributions.Beta(settings.mixup, settings.mixup).sample((len(features), 1))
            share, partner = (chance.to(features.device) for chance in (share, torch.randperm(len(features))))
            features, targets = (share * x + (1 - share) * x[partner] for x in (features, targets))
        scores = trainee.head(functional.dropout(features, settings.dropout))
        losses = trainee.task.torch_losses(scores, targets, label_smoothing=settings.label_smoothing)
        return (losses * weights).mean()
