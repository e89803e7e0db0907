"""Linear support vector machine on frozen features: one class against the rest, squared hinge loss.

References
----------
Fan et al., LIBLINEAR: a library for large linear classification, Journal of Machine Learning Research 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.heads.score_losses import squared_hinge_loss
from headstart.heads.span import SpanEstimator

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem
    from headstart.heads.score_losses import ScoreLoss

_PENALTIES = (1e-1, 1e-2, 1e-3)


@dataclass(frozen=True, kw_only=True)
class Svm(SpanEstimator):
    """L2-penalized squared hinge loss; items of rare classes weigh more, as in ridge."""

    name: str = "svm"
    penalties: tuple[float, ...] = _PENALTIES

    def loss(self, task: TaskSpec) -> ScoreLoss:  # noqa: ARG002
        """Squared hinge."""
        return squared_hinge_loss

    def weights(self, problem: Problem) -> FloatArray:
        """Those of the classes."""
        return problem.weights
