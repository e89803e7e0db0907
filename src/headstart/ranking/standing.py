"""Standing: how sources compare on the same few items, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.intervals import Resamples, score
from headstart.core.report import Score
from headstart.ranking.rankers.ridge import Ridge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.ranking.ranker import Ranker
    from headstart.ranking.rankers.prior import Prior
    from headstart.sources import Card

CREDIBLE = 1.96
"""Standard errors: half of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The sources of a round, the best first.

    Attributes
    ----------
    ranker : whose word the order is
    values : by source, what the ranker gave it; equals stand in the order of the prior
    errors : by source, the standard error of its gap to the leader, for the leader that to the next; infinite where the
        ranker does not say what each item adds
    n : items that were looked at
    """

    ranker: str
    values: dict[str, float]
    errors: dict[str, float]
    n: int

    @property
    def order(self) -> list[str]:
        """Names, the best first."""
        return list(self.values)

    def is_credibly_behind(self, name: str) -> bool:
        """Tell whether its gap to the leader is more than chance gives."""
        return self.values[self.order[0]] - self.values[name] > CREDIBLE * self.errors[name]

    def score(self, name: str) -> Score:
        """The ranker's value; the interval is that of the gap to the leader, or has no width where that is not known."""
        value = self.values[name] if math.isfinite(self.values[name]) else 0.0
        half = CREDIBLE * self.errors[name] if math.isfinite(self.errors[name]) else 0.0
        return Score(name=self.ranker, value=value, low=value - half, high=value + half, unit="", n=self.n)


def compare(problems: Mapping[str, Problem], cards: Mapping[str, Card], ranker: Ranker, prior: Prior) -> Standing:
    """Compare sources on the same items.

    Parameters
    ----------
    problems : by source; the same items and groups, other features
    prior : decides between equals
    """
    ratings = {name: ranker.rate(problem, cards[name]) for name, problem in problems.items()}
    order = sorted(ratings, key=lambda name: (-ratings[name].value, -prior.of(name), name))
    groups = next(iter(problems.values())).groups
    leader = ratings[order[0]].by_item
    others = {name: ratings[name].by_item for name in order[1:]}
    errors = {
        name: math.inf if leader is None or o is None else _error(leader - o, groups) for name, o in others.items()
    }
    return Standing(
        ranker=ranker.name,
        values={name: ratings[name].value for name in order},
        errors={order[0]: next(iter(errors.values()), math.inf), **errors},
        n=len(groups),
    )


def foretold(problem: Problem, card: Card, metric: Metric) -> Score:
    """The metric that a closed-form head reaches on groups of the sample that it has not seen."""
    outputs = Ridge().rate(problem, card).outputs
    assert outputs is not None
    return score(metric, problem.targets, outputs, Resamples.draw(problem.groups, seed=problem.seed))


def _error(differences: FloatArray, groups: IntArray) -> float:
    """Standard error of the mean of (n,) paired differences, whole groups being drawn; infinite for one group."""
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    if len(sizes) < 2:
        return math.inf
    residuals = np.bincount(group, differences - differences.mean())
    return math.sqrt(float(np.square(residuals).sum()) * len(sizes) / (len(sizes) - 1)) / len(differences)
