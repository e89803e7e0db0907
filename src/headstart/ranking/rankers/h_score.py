"""H-score: how much of the features' variance the targets explain, in the metric of the features' covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class HScore:
    """tr(S⁻¹ B): S is the shrunken covariance of the features, B the covariance of their conditional means given the target.

    For classification these are the class means; for values they are the least-squares fit, by the same formula.

    References
    ----------
    Bao et al., An information-theoretic approach to transferability in task transfer learning, ICIP 2019.
    Ibrahim, Ponomareva and Mazumder, Newer is not always better: rethinking transferability metrics, 2021 (shrinkage).
    Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices, 2004.
    """

    name: str = "h-score"

    def score_source(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """One number >= 0 from features (n, d) and targets (n, k)."""
        x = np.asarray(problem.features, dtype=np.float64)
        x, y = x - x.mean(axis=0), problem.targets - problem.targets.mean(axis=0)
        u, s, _ = np.linalg.svd(x, full_matrices=False)
        variance, shrinkage = np.square(s) / len(x), _shrinkage(x, s)
        floor = shrinkage * variance.sum() / x.shape[1]
        projected = (u * s).T @ _orthonormal(y)  # features' axes projected on the span of the targets, (r, m)
        share = np.square(projected).sum(axis=1) / len(x)
        return Rating(value=float((share / ((1 - shrinkage) * variance + floor + 1e-300)).sum()))


def _orthonormal(y: FloatArray) -> FloatArray:
    """Orthonormal columns that span the centred targets."""
    basis, size, _ = np.linalg.svd(y, full_matrices=False)
    return basis[:, size > 1e-9 * max(float(size[0]), 1e-300)]


def _shrinkage(x: FloatArray, singular: FloatArray) -> float:
    """Ledoit and Wolf's weight of the scaled identity, in [0, 1]."""
    n, d = x.shape
    square = float((singular**4).sum()) / n**2  # squared norm of the covariance
    mean = float((singular**2).sum()) / n / d
    distance = square - d * mean**2
    spread = (float((np.square(x).sum(axis=1) ** 2).sum()) / n - square) / n
    return min(1.0, max(0.0, spread / distance)) if distance > 0 else 1.0
