"""RoundComparison: the sources of one round, compared on the same items."""

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
    """The sources of a round of halving, best first.

    Attributes
    ----------
    ranker : name of the ranker that decides the order
    values : the ranker's score by source; ties are in the order of the prior
    gaps : by source, how much better the leader is (for the leader, how much better than the next); only for rankers with scores
        by item
    n : number of items
    """

    ranker: str
    values: dict[str, float]
    gaps: dict[str, PairedDifference]
    n: int

    @property
    def order(self) -> list[str]:
        """Names, best first."""
        return list(self.values)

    def is_significantly_behind(self, name: str) -> bool:
        """Whether the 95 % interval of its gap to the leader lies above zero."""
        return name != self.order[0] and name in self.gaps and self.gaps[name].is_significantly_better

    def score(self, name: str) -> Score:
        """The ranker's score with the interval of the gap to the leader; the width is 0 if that is unknown."""
        value = self.values[name] if math.isfinite(self.values[name]) else 0.0
        margin = self.gaps[name].margin if name in self.gaps else 0.0
        margin = margin if math.isfinite(margin) else 0.0
        return Score(name=self.ranker, value=value, low=value - margin, high=value + margin, unit="", n=self.n)


def compare(
    problems: Mapping[str, Problem], cards: Mapping[str, Card], ranker: Ranker, prior: Prior
) -> RoundComparison:
    """Compare sources on the same items.

    Parameters
    ----------
    problems : by source: the same items and groups, different features
    prior : breaks ties
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
    """The metric of a closed-form head on held-out groups of the sample."""
    outputs = RidgeRanker().score_source(problem, card).outputs
    assert outputs is not None
    return score(metric, problem.targets, outputs, Resamples.draw(problem.groups, seed=problem.seed))
