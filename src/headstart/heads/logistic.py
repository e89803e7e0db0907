"""Logistic regression on frozen features, the classical linear probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.heads.score_losses import sigmoid_loss, softmax_loss
from headstart.heads.span import SpanEstimator

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.heads.score_losses import ScoreLoss

_PENALTIES = (1e-2, 1e-3, 1e-4)


@dataclass(frozen=True, kw_only=True)
class Logistic(SpanEstimator):
    """L2-penalized logistic regression: softmax for classes, one sigmoid per label for multi-label."""

    name: str = "logistic"
    penalties: tuple[float, ...] = _PENALTIES

    def loss(self, task: TaskSpec) -> ScoreLoss:
        """Log loss."""
        return softmax_loss if task.is_single_label else sigmoid_loss
