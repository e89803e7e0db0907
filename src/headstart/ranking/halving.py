"""Successive halving over items: every source sees a few, and only those that may still win see more."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from headstart.adaptation.problem import Problem
from headstart.data.near_duplicates import find_near_duplicates
from headstart.ranking.rankers.prior import Prior
from headstart.ranking.sampling import beginning, sampling_order
from headstart.ranking.standing import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.report import Score
    from headstart.proof.metrics import Metric
    from headstart.ranking.standing import Standing
    from headstart.sources import Card

    Look = Callable[[str, IntArray], FloatArray]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a source had shown when it was last looked at; `dropped` says why it went no further."""

    score: Score
    predicted: Score
    n_items: int
    dropped: str = ""


@dataclass(frozen=True, kw_only=True)
class Halving:
    """Settings of the default ranking, chosen by `bench/ranking.py`.

    Attributes
    ----------
    first, growth, cap : items of the first round, by what they grow, and the most that any source sees
    keep : share of the sources that may go on to the next round; of two both may
    tolerance : a source goes on only where leaving it out would cost more than this on average (unit of the metric)
    weights : by ranker that gives held-out outputs, how much its metric counts in the evidence
    prior, prior_sd : what is known beforehand, and how far a task lies from it (unit of the metric)

    References
    ----------
    Karnin, Koren and Somekh, Almost optimal exploration in multi-armed bandits, ICML 2013.
    """

    first: int = 48
    growth: float = 2.0
    cap: int = 1000
    keep: float = 0.5
    tolerance: float = 0.002
    weights: Mapping[str, float] = field(default_factory=lambda: {"ridge": 1.0})
    prior: Prior = field(default_factory=Prior)
    prior_sd: float = 0.1

    def sizes(self, n_items: int, n_labels: int) -> list[int]:
        """Items that a source has seen after each round; the first has three of each class, and none more than `cap`.

        >>> Halving().sizes(700, 6)
        [48, 96, 192, 384, 700]
        """
        most = min(n_items, self.cap)
        sizes = [min(most, max(self.first, 3 * n_labels))]
        while sizes[-1] < most:
            larger = round(sizes[-1] * self.growth)
            sizes.append(most if larger * math.sqrt(self.growth) > most else larger)
        return sizes

    def run(
        self,
        dataset: Dataset,
        cards: Mapping[str, Card],
        look: Look,
        metric: Metric,
        *,
        seed: int = 0,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> dict[str, Seen]:
        """Rank sources, best first.

        Parameters
        ----------
        dataset : only items that may be learnt from
        cards : the candidates, by name
        look : gives the features of items, shape (m, d), by a source's name and their positions; NaN for unreadable ones
        goes_on : asked after each round; False ends the ranking with what is known
        """
        groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
        order = sampling_order(dataset.targets, groups, seed=seed)
        alive = sorted(cards, key=lambda name: (-self.prior.of(name), name))
        seen: dict[str, Seen] = {}
        for size in self.sizes(len(dataset), dataset.targets.shape[1]):
            index = beginning(order, size)
            features = {name: look(name, index) for name in alive}
            standing = compare(
                self._problems(dataset, index, groups[index], features, seed),
                cards,
                metric,
                weights=self.weights,
                prior=self.prior,
                prior_sd=self.prior_sd,
            )
            seen |= {name: self._seen(standing, name, len(index)) for name in alive}
            alive = self._survivors(standing)
            if len(alive) == 1 or not goes_on():
                break
        seen[standing.order[0]] = self._seen(standing, standing.order[0], len(index), won=True)
        return dict(
            sorted(seen.items(), key=lambda pair: (bool(pair[1].dropped), -pair[1].n_items, -pair[1].score.value))
        )

    def _problems(
        self, dataset: Dataset, index: IntArray, groups: IntArray, features: dict[str, FloatArray], seed: int
    ) -> dict[str, Problem]:
        """The same items for all: those that can be read, near-duplicates grouped by the likeliest source's features."""
        readable = ~np.isnan(next(iter(features.values()))[:, 0])
        first = next(iter(features.values()))[readable]
        joined = find_near_duplicates(first, None if dataset.groups is None else groups[readable]).groups
        targets = dataset.targets[index[readable]]
        return {
            name: Problem(features=x[readable], targets=targets, task=dataset.task, groups=joined, seed=seed)
            for name, x in features.items()
        }

    def _survivors(self, standing: Standing) -> list[str]:
        """Those that go on, best first: the leader, and of the others those that may still win, at most the share to keep."""
        leader, *others = standing.order
        n_kept = max(2, math.ceil(self.keep * len(standing.order)))
        return [leader, *(name for name in others if standing.expected_regret(name) > self.tolerance)][:n_kept]

    def _seen(self, standing: Standing, name: str, n_items: int, *, won: bool = False) -> Seen:
        leader = standing.order[0]
        reason = f"{standing.scores[name].value:.3f} after {n_items} items, where {leader} has {standing.scores[leader].value:.3f}"
        return Seen(
            score=standing.scores[name],
            predicted=standing.predicted[name],
            n_items=n_items,
            dropped="" if won else reason,
        )
