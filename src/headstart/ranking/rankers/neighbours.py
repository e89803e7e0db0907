"""Neighbours: each item is predicted by the items nearest to it that are not of its group."""

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
    """k nearest neighbours by cosine in centred feature space, leaving the item's whole group out.

    Attributes
    ----------
    k : how many neighbours vote; fewer where the other groups have fewer
    n_prior : how many votes the mean target has, so that no class is impossible

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
        """Mean target of the neighbours and of all items, shape (n, k)."""
        x = unit_rows(problem.features - np.mean(problem.features, axis=0, dtype=np.float64))
        likeness = x @ x.T
        likeness[problem.groups[:, None] == problem.groups] = -np.inf
        order = np.argsort(-likeness, axis=1, kind="stable")[:, : self.k]
        counts = np.isfinite(np.take_along_axis(likeness, order, axis=1))[..., None]
        total = (problem.targets[order] * counts).sum(axis=1) + self.n_prior * problem.targets.mean(axis=0)
        return total / (counts.sum(axis=1) + self.n_prior)
