"""LogME: log evidence of a Bayesian linear model from features to targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.heads.problem import Problem
    from headstart.sources import Card

# share of the target's square; without it, features that explain everything would have infinite evidence
_MIN_NOISE = 1e-9


@dataclass(frozen=True, kw_only=True)
class LogME:
    """Evidence maximized over both precisions, per item and target column.

    References
    ----------
    You, Liu, Wang and Long, LogME: practical assessment of pre-trained models for transfer learning, ICML 2021.
    """

    name: str = "logme"
    n_steps: int = 50

    def score_source(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """Nats per item from features (n, d) and targets (n, k); `by_item` is each item's density given those before it, shape (n,)."""
        x = np.asarray(problem.features, dtype=np.float64)
        varies = problem.targets[:, problem.targets.std(axis=0) > 0].T
        if not len(varies):
            return Rating(value=float("-inf"))
        similarity = x @ x.T
        eigenvalues, u = np.linalg.eigh(similarity)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        by_item = np.zeros(len(x))
        for y in varies:
            alpha, beta = self._precisions(eigenvalues, u.T @ y)
            by_item += _log_density(similarity / alpha + np.eye(len(x)) / beta, y) / len(varies)
        return Rating(value=float(by_item.mean()), by_item=by_item)

    def _precisions(self, eigenvalues: FloatArray, projected: FloatArray) -> tuple[float, float]:
        """Fixed-point iteration on alpha, the weights' precision, and beta, the noise's.

        Parameters
        ----------
        eigenvalues, projected : shape (n,), of the Gram matrix, and the target projected on its eigenvectors
        """
        n, square = len(projected), np.square(projected)
        floor = _MIN_NOISE * float(square.sum())
        alpha = beta = 1.0
        for _ in range(self.n_steps):
            t = alpha / beta
            size = float((eigenvalues * square / np.square(eigenvalues + t)).sum())  # squared norm of the weights
            error = float((square * np.square(t / (eigenvalues + t))).sum())
            gamma = float((eigenvalues / (eigenvalues + t)).sum())
            alpha, beta = gamma / (size + 1e-12), max(n - gamma, 1e-9) / (error + floor)
            if abs(alpha / beta - t) <= 1e-4 * t:
                break
        return alpha, beta


def _log_density(covariance: FloatArray, y: FloatArray) -> FloatArray:
    """Normal log density of each value given those before it, shape (n,); the sum is the joint log density."""
    from scipy.linalg import solve_triangular

    root = np.linalg.cholesky(covariance)
    surprise = solve_triangular(root, y, lower=True)
    density: FloatArray = -np.square(surprise) / 2 - np.log(np.diag(root)) - np.log(2 * np.pi) / 2
    return density
