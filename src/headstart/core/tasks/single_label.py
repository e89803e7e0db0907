"""Single-label classification: every item has exactly one class of two (binary) or more (multiclass)."""

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

IMBALANCED = 0.8  # above this share of the largest class, accuracy mostly rewards predicting the majority
_RARE = 0.05  # below this share of one of two classes, ROC AUC hardly sees the false alarms that people live with


@dataclass(frozen=True)
class SingleLabel(TaskSpec):
    """Softmax and cross-entropy; the decision is the most likely class."""

    link: ClassVar[Link] = "softmax"
    is_single_label: ClassVar[bool] = True
    balanced_metric: ClassVar[str] = "balanced accuracy"
    answer_fields: ClassVar[tuple[str, ...]] = ("label", "probability", "top", "prediction_set")
    metrics: ClassVar[tuple[Metric, ...]] = (
        fraction("accuracy", sums.accuracy, sums.mean, is_of_decisions=True),
        fraction("balanced accuracy", sums.recalls, sums.mean_recall, is_of_decisions=True, is_mean_over_labels=True),
        fraction("macro-F1", sums.confusions, sums.mean_f1, is_of_decisions=True, is_mean_over_labels=True),
        fraction("ROC AUC", sums.auc, sums.mean, is_mean_over_labels=True),
        fraction("average precision", sums.rare_average_precision, sums.mean, is_mean_over_labels=True),
        loss("log loss", "nats", sums.log_loss, sums.mean),
        loss("calibration error", "fraction", sums.calibration, sums.mean_gap),
    )

    def loss_terms(
        self, outputs: FloatArray, targets: FloatArray, *, min_probability: float = MIN_PROBABILITY
    ) -> FloatArray:
        """Log loss of the true class, nats."""
        return -(targets * np.log(np.clip(outputs, min_probability, 1.0 - min_probability)))

    def torch_losses(
        self,
        scores: torch.Tensor,
        targets: torch.Tensor,
        *,
        label_smoothing: float = 0.0,
        is_robust: bool = False,  # noqa: ARG002
    ) -> torch.Tensor:
        """Cross-entropy, nats."""
        smooth = targets * (1 - label_smoothing) + label_smoothing / targets.shape[1]
        return -(smooth * scores.log_softmax(dim=1)).sum(dim=1)

    def gradient(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Probability minus target."""
        return outputs - targets

    def curvature(self, outputs: FloatArray, direction: FloatArray) -> FloatArray:
        """Covariances under each item's probabilities, summed over the items."""
        k = outputs.shape[1]
        mean = np.sum(outputs * direction, axis=1, keepdims=True)
        curvature = np.empty((1 + k, 1 + k))
        curvature[0, 0] = np.sum(outputs * (direction - mean) ** 2)
        curvature[0, 1:] = curvature[1:, 0] = np.sum(outputs * (direction - mean), axis=0)
        curvature[1:, 1:] = np.diag(outputs.sum(axis=0)) - outputs.T @ outputs
        return curvature

    def n_decisions(self, n_outputs: int) -> int:  # noqa: ARG002
        """One class is chosen, however many there are."""
        return 1

    def n_right(self, outputs: FloatArray, targets: FloatArray) -> int:
        """Items whose most likely class is the true one."""
        return int((outputs.argmax(axis=1) == targets.argmax(axis=1)).sum())

    def headline(self, targets: FloatArray) -> Metric:
        """Accuracy, which is what people ask for; ROC AUC if one class holds more than 80 %, average precision if one of two holds less than 5 %.

        There accuracy would reward predicting the majority; ROC AUC measures how well the rare classes are separated, without a
        threshold. Where a class is very rare it is near one for models of no use, and the share of true ones among those found is asked.
        """
        shares = targets.mean(axis=0)
        if len(shares) == 2 and 0 < shares.min() < _RARE:
            return self.metric("average precision")
        return self.metric("ROC AUC" if targets.mean(axis=0).max() > IMBALANCED else "accuracy")

    def strata(self, targets: FloatArray) -> IntArray:
        """The class."""
        return targets.argmax(axis=1)

    def weigh(self, outputs: FloatArray, weights: Sequence[float] | None) -> FloatArray:
        """Products of probability and weight, of which each item's sum to one."""
        if weights is None:
            return outputs
        products = np.asarray(outputs, np.float64) * np.asarray(weights)
        return products / np.maximum(products.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)

    def indicators(self, outputs: FloatArray) -> FloatArray:
        """One for the most likely class, the first one in a tie, and zero for others."""
        return sums.most_likely_indicators(outputs)

    def decide(self, outputs: FloatArray, labels: Sequence[str]) -> list[str]:
        """The most likely class, the first one in a tie."""
        return [labels[code] for code in outputs.argmax(axis=1)]

    def answer(
        self,
        item: str,
        row: FloatArray,
        labels: Sequence[str],
        *,
        top: int = 3,
        weights: Sequence[float] | None = None,
        set_threshold: float | None = None,
    ) -> Prediction:
        """The class that is decided on, its probability, and the prediction set, which always contains it."""
        order = np.argsort(-row, kind="stable")
        chosen = int(order[0] if weights is None else self.weigh(row[None], weights)[0].argmax())
        in_set: tuple[str, ...] = ()
        if set_threshold is not None:
            n_in = np.count_nonzero(row >= min(set_threshold, row.item(chosen)))
            in_set = tuple(labels[i] for i in order[:n_in].tolist())
        return Prediction(
            item=item,
            label=labels[chosen],
            probability=round(row.item(chosen), 6),
            top=most_likely(row, labels, top, order),
            prediction_set=in_set,
        )


BINARY = SingleLabel("binary", gives="one of two labels")
MULTICLASS = SingleLabel("multiclass", gives="one of several labels")


def single_label_task(n_classes: int) -> SingleLabel:
    """Choose by the number of classes.

    >>> single_label_task(2).name, single_label_task(3).name
    ('binary', 'multiclass')
    """
    return BINARY if n_classes == 2 else MULTICLASS
