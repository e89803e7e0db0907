"""Regression: a number for each item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core import metric_sums as sums
from headstart.core.metrics import Metric, loss
from headstart.core.prediction import Prediction
from headstart.core.strata import quarters
from headstart.core.tasks.task import MIN_PROBABILITY, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.tasks.link import Link


@dataclass(frozen=True)
class Regression(TaskSpec):
    """Identity link and squared error; the decision is the value itself."""

    link: ClassVar[Link] = "identity"
    has_probabilities: ClassVar[bool] = False
    output_name: ClassVar[str] = "values"
    answer_fields: ClassVar[tuple[str, ...]] = ("value",)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="R²",
            unit="fraction",
            scale="explained",
            higher_is_better=True,
            statistics=sums.variance_parts,
            combine=sums.explained,
        ),
        loss("MAE", "target", sums.absolute_error, sums.mean),
        loss("RMSE", "target", sums.squared_error, sums.root_mean),
    )

    def loss_terms(
        self,
        outputs: FloatArray,
        targets: FloatArray,
        *,
        min_probability: float = MIN_PROBABILITY,  # noqa: ARG002
    ) -> FloatArray:
        """Squared errors."""
        return np.square(outputs - targets)

    def torch_losses(
        self,
        scores: torch.Tensor,
        targets: torch.Tensor,
        *,
        label_smoothing: float = 0.0,  # noqa: ARG002
        is_robust: bool = False,
    ) -> torch.Tensor:
        """Squared error, or Huber's."""
        if not is_robust:
            return (scores - targets).square().sum(dim=1)
        from torch.nn import functional

        return functional.smooth_l1_loss(scores, targets, reduction="none").sum(dim=1)

    def gradient(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Twice the error."""
        return 2.0 * (outputs - targets)

    def curvature(self, outputs: FloatArray, direction: FloatArray) -> FloatArray:
        """Does not depend on the outputs."""
        n, k = outputs.shape
        curvature = np.empty((1 + k, 1 + k))
        curvature[0, 0] = 2.0 * np.sum(direction**2)
        curvature[0, 1:] = curvature[1:, 0] = 2.0 * direction.sum(axis=0)
        curvature[1:, 1:] = 2.0 * n * np.eye(k)
        return curvature

    def n_right(self, outputs: FloatArray, targets: FloatArray) -> int:  # noqa: ARG002
        """0: a value is never simply right."""
        return 0

    def regression_targets(self, targets: FloatArray) -> FloatArray:
        """The values themselves."""
        return targets

    def headline(self, targets: FloatArray) -> Metric:  # noqa: ARG002
        """R²: unitless, higher is better, 0 is what the mean would reach."""
        return self.metric("R²")

    def strata(self, targets: FloatArray) -> IntArray:
        """Quartiles of the first column."""
        return quarters(targets[:, 0])

    def decide(self, outputs: FloatArray, labels: Sequence[str]) -> FloatArray:  # noqa: ARG002
        """The first column."""
        return outputs[:, 0]

    def answer(
        self,
        item: str,
        row: FloatArray,
        labels: Sequence[str],  # noqa: ARG002
        *,
        top: int = 3,  # noqa: ARG002
        weights: Sequence[float] | None = None,  # noqa: ARG002
        set_threshold: float | None = None,  # noqa: ARG002
    ) -> Prediction:
        """The value."""
        return Prediction(item=item, value=float(row[0]))


REGRESSION = Regression("regression", gives="a number")
