"""Standing: how sources compare on the same few items, the data and the prior weighed against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.core.report import Score
from headstart.proof.intervals import Resamples, gain, score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray
    from headstart.proof.metrics import Metric
    from headstart.ranking.rankers.prior import Prior
    from headstart.sources import Card

_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The sources of a round.

    Attributes
    ----------
    scores : by source, the foretold metric by evidence and prior together; its interval is that of the gap to the leader
    predicted : by source, the metric of the first ranker's held-out outputs, with the interval of its own level
    sd : standard deviation of a gap between two of them, given both
    """

    scores: dict[str, Score]
    predicted: dict[str, Score]
    sd: float

    @property
    def order(self) -> list[str]:
        """Names, the best first; of equals the first by name."""
        return sorted(self.scores, key=lambda name: (-self.scores[name].value, name))

    def expected_regret(self, name: str) -> float:
        """How much is lost on average by leaving `name` out for the leader, in the unit of the metric."""
        gap, sd = self.scores[self.order[0]].value - self.scores[name].value, max(self.sd, 1e-12)
        z = gap / sd
        return sd * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - gap * 0.5 * math.erfc(z / math.sqrt(2))


def compare(
    problems: Mapping[str, Problem],
    cards: Mapping[str, Card],
    metric: Metric,
    *,
    weights: Mapping[str, float],
    prior: Prior,
    prior_sd: float,
) -> Standing:
    """Compare sources on the same items.

    Few items are noisy, and what is known beforehand is blunt: the gaps of either count by their precision, so that with
    few items the prior rules and with many the data.

    Parameters
    ----------
    problems : by source; the same items and groups, other features
    weights : by ranker that gives outputs, how much its metric counts
    prior_sd : how far a task's gaps lie from the prior's, one standard deviation, in the unit of the metric
    """
    rankers = {name: registry.get("rankers", name)() for name in weights}
    outputs: dict[str, dict[str, FloatArray]] = {
        source: {name: ranker.rate(problem, cards[source]).outputs for name, ranker in rankers.items()}
        for source, problem in problems.items()
    }
    total = sum(weights.values())
    problem = next(iter(problems.values()))
    resamples = Resamples.draw(problem.groups, seed=problem.seed)
    seen = np.array(
        [sum(w * _value(metric, problem, o[r]) for r, w in weights.items()) / total for o in outputs.values()]
    )
    mixed = [np.sum([w * o[r] for r, w in weights.items()], axis=0) / total for o in outputs.values()]
    variance = _variance_of_gaps(metric, problem, mixed, int(seen.argmax()), resamples)
    known = np.array([prior.of(source) for source in problems])
    trust = prior_sd**2 / (prior_sd**2 + variance)
    first = next(iter(weights))
    predicted = {source: score(metric, problem.targets, o[first], resamples) for source, o in outputs.items()}
    level = np.nan_to_num([one.value for one in predicted.values()]).mean()
    values = level + trust * (seen - seen.mean()) + (1 - trust) * (known - known.mean())
    sd = math.sqrt(trust * variance)
    return Standing(
        scores={
            source: _score(metric, float(value), sd, len(problem.targets))
            for source, value in zip(problems, values, strict=True)
        },
        predicted=predicted,
        sd=sd,
    )


def _score(metric: Metric, value: float, sd: float, n: int) -> Score:
    return Score(name=metric.name, value=value, low=value - _Z * sd, high=value + _Z * sd, unit=metric.unit, n=n)


def _value(metric: Metric, problem: Problem, outputs: FloatArray) -> float:
    value = metric.of(problem.targets, outputs)
    return value if math.isfinite(value) else 0.0  # a metric of ranks has none where the sample holds one class only


def _variance_of_gaps(
    metric: Metric, problem: Problem, outputs: list[FloatArray], leader: int, resamples: Resamples
) -> float:
    """Mean sampling variance of the paired gaps to the leader; zero where there is nobody else, or no value."""
    variances = []
    for i, theirs in enumerate(outputs):
        if i != leader:
            gap = gain(metric, problem.targets, outputs[leader], theirs, resamples)
            variances.append(((gap.high - gap.low) / 2 / resamples.quantile) ** 2)
    known = [variance for variance in variances if math.isfinite(variance)]
    return float(np.mean(known)) if known else 0.0
