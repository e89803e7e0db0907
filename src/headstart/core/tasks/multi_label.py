"""Multi-label classification: an item has any number of the labels, including none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core import metric_sums as sums
from headstart.core.metrics import Metric, fraction, loss
from headstart.core.prediction import Prediction
from headstart.core.tasks.labels import most_likely
from headstart.core.tasks.task import MIN_PROBABILITY, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.tasks.link import Link

THRESHOLD = 0.5  # of a calibrated probability: a label is predicted if it is more likely than not
_EPSILON = float(np.finfo(np.float64).epsneg)  # the largest float below 1 is 1 minus this


@dataclass(frozen=True)
class MultiLabel(TaskSpec):
    """Sigmoid and binary cross-entropy per label; the decision is every label more likely than not."""

    link: ClassVar[Link] = "sigmoid"
    is_multi_label: ClassVar[bool] = True
    balanced_metric: ClassVar[str] = "macro-F1"
    answer_fields: ClassVar[tuple[str, ...]] = ("labels", "top")
    metrics: ClassVar[tuple[Metric, ...]] = (
        fraction("mean average precision", sums.average_precision, sums.mean, is_mean_over_labels=True),
        fraction("micro-F1", sums.label_confusions, sums.micro_f1, is_of_decisions=True),
        fraction("macro-F1", sums.label_confusions, sums.label_mean_f1, is_of_decisions=True, is_mean_over_labels=True),
        fraction("subset accuracy", sums.subset_accuracy, sums.mean, is_of_decisions=True),
        loss("log loss", "nats", sums.label_log_loss, sums.mean),
    )

    def loss_terms(
        self, outputs: FloatArray, targets: FloatArray, *, min_probability: float = MIN_PROBABILITY
    ) -> FloatArray:
        """Log loss of each label, nats."""
        p = np.clip(outputs, min_probability, 1.0 - max(min_probability, _EPSILON))
        return -(targets * np.log(p) + (1.0 - targets) * np.log1p(-p))

    def torch_losses(
        self,
        scores: torch.Tensor,
        targets: torch.Tensor,
        *,
        label_smoothing: float = 0.0,
        is_robust: bool = False,  # noqa: ARG002
    ) -> torch.Tensor:
        """Binary cross-entropy summed over the labels, nats."""
        from torch.nn import functional

        smooth = targets * (1 - label_smoothing) + label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(scores, smooth, reduction="none").sum(dim=1)

    def gradient(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Probability minus target."""
        return outputs - targets

    def curvature(self, outputs: FloatArray, direction: FloatArray) -> FloatArray:
        """Variances under each probability, summed over the items."""
        k = outputs.shape[1]
        weight = outputs * (1.0 - outputs)
        curvature = np.empty((1 + k, 1 + k))
        curvature[0, 0] = np.sum(weight * direction**2)
        curvature[0, 1:] = curvature[1:, 0] = np.sum(weight * direction, axis=0)
        curvature[1:, 1:] = np.diag(weight.sum(axis=0))
        return curvature

    def n_right(self, outputs: FloatArray, targets: FloatArray) -> int:
        """Labels that are correctly predicted or correctly left out."""
        return int(((outputs > THRESHOLD) == (targets > 0.5)).sum())

    def headline(self, targets: FloatArray) -> Metric:  # noqa: ARG002
        """Macro average precision: it needs no threshold, and a rare label counts as much as a common one."""
        return self.metric("mean average precision")

    def strata(self, targets: FloatArray) -> IntArray:
        """The rarest of an item's labels; -1 if it has none."""
        counts = targets.sum(axis=0)
        rarity = np.where(targets > 0, 1.0 / np.maximum(counts, 1.0), 0.0)
        return np.where(targets.any(axis=1), rarity.argmax(axis=1), -1)

    def weigh(self, outputs: FloatArray, weights: Sequence[float] | None) -> FloatArray:
        """Probabilities whose odds are the weights times as large: a weight of 1 / t - 1 puts probability t at 0.5."""
        if weights is None:
            return outputs
        p, w = np.asarray(outputs, np.float64), np.asarray(weights)
        return p * w / (p * w + 1.0 - p)

    def indicators(self, outputs: FloatArray) -> FloatArray:
        """One for each label above the threshold."""
        return sums.flags(outputs)

    def decide(self, outputs: FloatArray, labels: Sequence[str]) -> list[tuple[str, ...]]:
        """The labels above the threshold, in the order of `labels`."""
        return [_above_threshold(labels, row) for row in outputs]

    def answer(
        self,
        item: str,
        row: FloatArray,
        labels: Sequence[str],
        *,
        top: int = 3,
        weights: Sequence[float] | None = None,
        set_threshold: float | None = None,  # noqa: ARG002
    ) -> Prediction:
        """The labels above the threshold, and the most likely ones."""
        chosen = _above_threshold(labels, self.weigh(row[None], weights)[0])
        return Prediction(item=item, labels=chosen, top=most_likely(row, labels, top))


def _above_threshold(labels: Sequence[str], row: FloatArray) -> tuple[str, ...]:
    return tuple(label for label, probability in zip(labels, row, strict=True) if probability >= THRESHOLD)


MULTI_LABEL = MultiLabel("multilabel", gives="any number of labels")
