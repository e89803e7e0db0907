"""LogME: the logarithm of the evidence of a Bayesian linear model from features to targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class LogME:
    """The largest evidence over both precisions, an item and target column.

    References
    ----------
    You, Liu, Wang and Long, LogME: practical assessment of pre-trained models for transfer learning, ICML 2021.
    """

    name: str = "logme"
    n_steps: int = 50

    def rate(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """Shape (n, d) and (n, k) become nats an item."""
        x = np.asarray(problem.features, dtype=np.float64)
        u, singular, _ = np.linalg.svd(x, full_matrices=False)
        varies = problem.targets[:, problem.targets.std(axis=0) > 0].T
        if not len(varies):
            return Rating(value=float("-inf"))
        evidence = [self._evidence(np.square(singular), u.T @ y, y, x.shape[1]) for y in varies]
        return Rating(value=float(np.mean(evidence)))

    def _evidence(self, eigenvalues: FloatArray, projected: FloatArray, y: FloatArray, d: int) -> float:
        """Fixed-point iteration on alpha, the weights' precision, and beta, the noise's."""
        n, square = len(y), np.square(projected)
        outside = max(float(y @ y - square.sum()), 0.0)  # what no weights can explain
        alpha = beta = 1.0
        for _ in range(self.n_steps):
            t = alpha / beta
            size = float((eigenvalues * square / np.square(eigenvalues + t)).sum())  # squared norm of the weights
            error = float((square * np.square(t / (eigenvalues + t))).sum()) + outside
            gamma = float((eigenvalues / (eigenvalues + t)).sum())
            alpha, beta = gamma / (size + 1e-12), max(n - gamma, 1e-9) / (error + 1e-12)
            if abs(alpha / beta - t) <= 1e-4 * t:
                break
        determinant = float(np.log(alpha + beta * eigenvalues).sum()) + (d - len(eigenvalues)) * np.log(alpha)
        total = d * np.log(alpha) + n * np.log(beta) - determinant - beta * error - alpha * size - n * np.log(2 * np.pi)
        return float(total / 2 / n)
