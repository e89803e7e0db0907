"""Standing: how sources compare on the same few items, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.intervals import Resamples, score
from headstart.core.paired import PairedDifference
from headstart.core.report import Score
from headstart.ranking.rankers.ridge import RidgeRanker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.metrics import Metric
    from headstart.heads.problem import Problem
    from headstart.ranking.ranker import Ranker
    from headstart.ranking.rankers.prior import Prior
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class RoundComparison:
    """The sources of a round, the best first.

    Attributes
    ----------
    ranker : whose word the order is
    values : by source, what the ranker gave it; equals stand in the order of the prior
    gaps : by source, by how much the leader is better, for the leader itself than the next; only where the ranker says what
        each item adds
    n : items that were looked at
    """

    ranker: str
    values: dict[str, float]
    gaps: dict[str, PairedDifference]
    n: int

    @property
    def order(self) -> list[str]:
        """Names, the best first."""
        return list(self.values)

    def is_significantly_behind(self, name: str) -> bool:
        """Tell whether the 95 % interval of its gap to the leader lies above zero."""
        return name != self.order[0] and name in self.gaps and self.gaps[name].is_significantly_better

    def score(self, name: str) -> Score:
        """The ranker's value; the interval is that of the gap to the leader, or has no width where that is not known."""
        value = self.values[name] if math.isfinite(self.values[name]) else 0.0
        half = self.gaps[name].margin if name in self.gaps else 0.0
        half = half if math.isfinite(half) else 0.0
        return Score(name=self.ranker, value=value, low=value - half, high=value + half, unit="", n=self.n)


def compare(
    problems: Mapping[str, Problem], cards: Mapping[str, Card], ranker: Ranker, prior: Prior
) -> RoundComparison:
    """Compare sources on the same items.

    Parameters
    ----------
    problems : by source; the same items and groups, other features
    prior : decides between equals
    """
    ratings = {name: ranker.score_source(problem, cards[name]) for name, problem in problems.items()}
    order = sorted(ratings, key=lambda name: (-ratings[name].value, -prior.of(name), name))
    groups = next(iter(problems.values())).groups
    leader = ratings[order[0]].by_item
    others = {name: ratings[name].by_item for name in order[1:]}
    gaps = {
        name: PairedDifference.of(leader - one, groups)
        for name, one in others.items()
        if leader is not None and one is not None
    }
    return RoundComparison(
        ranker=ranker.name,
        values={name: ratings[name].value for name in order},
        gaps={order[0]: gaps[order[1]], **gaps} if order[1:] and order[1] in gaps else gaps,
        n=len(groups),
    )


def predict_metric(problem: Problem, card: Card, metric: Metric) -> Score:
    """The metric that a closed-form head reaches on groups of the sample that it has not seen."""
    outputs = RidgeRanker().score_source(problem, card).outputs
    assert outputs is not None
    return score(metric, problem.targets, outputs, Resamples.draw(problem.groups, seed=problem.seed))
