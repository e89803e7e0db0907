"""Successive halving over items: every source sees a few, and only those that may still win see more."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.heads.problem import Problem
from headstart.ranking.rankers.prior import Prior
from headstart.ranking.round_comparison import compare, predict_metric
from headstart.ranking.sampling import first_items, sampling_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.report import Score
    from headstart.ranking.ranker import Ranker
    from headstart.ranking.round_comparison import RoundComparison
    from headstart.sources import Card

    FeaturesOf = Callable[[str, IntArray], FloatArray]


@dataclass(frozen=True, kw_only=True)
class SourceResult:
    """A source's result after its last round; `dropped` says why it went no further.

    `score` is relative to the winner: the winner's own score, minus the paired gap on the last items that both saw.
    """

    score: Score
    predicted: Score
    n_items: int
    dropped: str = ""


@dataclass(frozen=True, kw_only=True)
class Halving:
    """Settings of the default ranking, chosen by `bench/quality/ranking.py`.

    Attributes
    ----------
    first, growth, cap : items of the first round, growth factor per round, and the maximum for any source
    keep : share of the sources that may continue to the next round; at least two
    ranker : decides. If it has scores by item, a source that is significantly behind goes no further
    prior : breaks ties

    References
    ----------
    Karnin, Koren and Somekh, Almost optimal exploration in multi-armed bandits, ICML 2013.
    """

    first: int = 32
    growth: float = 2.0
    cap: int = 1000
    keep: float = 0.5
    ranker: str = "logme"
    prior: Prior = field(default_factory=Prior)

    def sizes(self, n_items: int, n_labels: int) -> list[int]:
        """Number of items seen after each round: at least three per class in the first, at most `cap`.

        >>> Halving().sizes(700, 6)
        [32, 64, 128, 256, 700]
        """
        largest = min(n_items, self.cap)
        sizes = [min(largest, max(self.first, 3 * n_labels))]
        while sizes[-1] < largest:
            larger = round(sizes[-1] * self.growth)
            sizes.append(largest if larger * math.sqrt(self.growth) > largest else larger)
        return sizes

    def run(
        self,
        dataset: Dataset,
        cards: Mapping[str, Card],
        features_of: FeaturesOf,
        metric: Metric,
        *,
        seed: int = 0,
        should_continue: Callable[[], bool] = lambda: True,
    ) -> dict[str, SourceResult]:
        """Rank sources, best first.

        Parameters
        ----------
        dataset : only items that may be trained on; its groups hold near-duplicates too, if there are any
        cards : of the sources to rank, by name
        features_of : features (m, d) of items, from a source's name and their positions; NaN for unreadable items
        should_continue : called after each round; False ends the ranking early
        """
        groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
        order = sampling_order(dataset.task_spec.strata(dataset.targets), groups, seed=seed)
        alive = sorted(cards, key=lambda name: (-self.prior.of(name), name))
        ranker: Ranker = registry.get("rankers", self.ranker)()
        results: dict[str, SourceResult] = {}
        comparisons: list[RoundComparison] = []
        sizes = self.sizes(len(dataset), dataset.targets.shape[1])
        for size in sizes:
            index = first_items(order, size)
            features = {name: features_of(name, index) for name in alive}
            problems = self._problems(dataset, index, groups[index], features, seed)
            comparisons.append(compare(problems, cards, ranker, self.prior))
            alive = self._survivors(comparisons[-1])
            is_last = len(alive) == 1 or size == sizes[-1] or not should_continue()
            ending = [name for name in problems if is_last or name not in alive]
            results |= {
                name: _source_result(comparisons[-1], name, predict_metric(problems[name], cards[name], metric))
                for name in ending
            }
            if is_last:
                break
        results = {
            name: replace(one, score=_relative_score(alive[0], name, comparisons)) for name, one in results.items()
        }
        return dict(sorted(results.items(), key=lambda pair: (-pair[1].n_items, -pair[1].score.value)))

    def _problems(
        self, dataset: Dataset, index: IntArray, groups: IntArray, features: dict[str, FloatArray], seed: int
    ) -> dict[str, Problem]:
        """One problem per source on the same items: the readable ones."""
        readable = ~np.isnan(next(iter(features.values()))[:, 0])
        targets = dataset.targets[index[readable]]
        return {
            name: Problem(features=x[readable], targets=targets, task=dataset.task, groups=groups[readable], seed=seed)
            for name, x in features.items()
        }

    def _survivors(self, comparison: RoundComparison) -> list[str]:
        """The sources that continue, best first: the leader and those that may still win, at most the share to keep."""
        leader, *others = comparison.order[: max(2, math.ceil(self.keep * len(comparison.order)))]
        return [leader, *(name for name in others if not comparison.is_significantly_behind(name))]


def _relative_score(winner: str, name: str, comparisons: list[RoundComparison]) -> Score:
    """The winner's last score, minus the gap of the two on the last items that both saw."""
    last = [comparison for comparison in comparisons if name in comparison.values][-1]
    score, ahead = last.score(name), comparisons[-1].score(winner).value - last.score(winner).value
    return replace(score, value=score.value + ahead, low=score.low + ahead, high=score.high + ahead)


def _source_result(comparison: RoundComparison, name: str, predicted: Score) -> SourceResult:
    return SourceResult(
        score=comparison.score(name), predicted=predicted, n_items=comparison.n, dropped=_reason(comparison, name)
    )


def _reason(comparison: RoundComparison, name: str) -> str:
    """Why a source goes no further; empty for the leader."""
    leader = comparison.order[0]
    if name == leader:
        return ""
    behind = "significantly behind" if comparison.is_significantly_behind(name) else "behind"
    values = f"{comparison.ranker} {comparison.values[name]:.3f} : {comparison.values[leader]:.3f}"
    return f"{behind} {leader} after {comparison.n} items ({values})"
