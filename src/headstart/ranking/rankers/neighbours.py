"""Nearest neighbors: predict each item from the items nearest to it outside its group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.heads.transforms import unit_rows
from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """k nearest neighbors by cosine in centered feature space, excluding the item's group.

    Attributes
    ----------
    k : how many neighbors vote; fewer if the other groups have fewer items
    n_prior : weight of the mean target in votes, so that no class gets probability 0

    References
    ----------
    Cover and Hart, Nearest neighbor pattern classification, IEEE Transactions on Information Theory 1967.
    """

    name: str = "neighbours"
    k: int = 5
    n_prior: float = 1.0

    def score_source(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """The headline metric of the votes."""
        outputs = self.votes(problem)
        return Rating(value=problem.task_spec.headline(problem.targets).of(problem.targets, outputs), outputs=outputs)

    def votes(self, problem: Problem) -> FloatArray:
        """Weighted mean of the neighbors' targets and the mean target, shape (n, k)."""
        x = unit_rows(problem.features - np.mean(problem.features, axis=0, dtype=np.float64))
        similarity = x @ x.T
        similarity[problem.groups[:, None] == problem.groups] = -np.inf
        order = np.argsort(-similarity, axis=1, kind="stable")[:, : self.k]
        counts = np.isfinite(np.take_along_axis(similarity, order, axis=1))[..., None]
        total = (problem.targets[order] * counts).sum(axis=1) + self.n_prior * problem.targets.mean(axis=0)
        return total / (counts.sum(axis=1) + self.n_prior)
