"""95 % intervals of scores and of paired gains, by a bootstrap over groups that stays valid when errors are few.

Whole groups are reweighted, never single items: items of one group are not independent. The weights are those of the
Bayesian bootstrap, so no resample loses a class. A plain bootstrap interval has width zero when a model makes no error,
and claims a gain when three items happen to differ; so its variance is turned into an effective sample size, which gives
Wilson's interval for a score and the Agresti-Min interval (two pseudo-items) for a paired gain.

References
----------
Rubin, The Bayesian Bootstrap, Annals of Statistics 1981.
Field and Welsh, Bootstrapping clustered data, JRSS B 2007.
Korn and Graubard, Confidence intervals for proportions with small expected number of positive counts, 1998 (effective n).
Agresti and Min, Simple improved confidence intervals for comparing matched proportions, Statistics in Medicine 2005.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import DataError
from headstart.core.report import Score
from headstart.core.student import student_t

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.metrics import Metric

N_RESAMPLES = 2000
MAX_BLOCKS = 2000


@dataclass(frozen=True)
class Resamples:
    """Weights of groups, drawn once and used for every metric and every baseline, which makes comparisons paired.

    Attributes
    ----------
    block : shape (n,), the block of each item; a block is a group, or several where there are more than 2,000
    weights : shape (n_resamples, n_blocks), exponential
    n_groups : the number of groups
    """

    block: IntArray
    weights: FloatArray
    n_groups: int

    @classmethod
    def draw(cls, groups: IntArray, *, seed: int = 0, n_resamples: int = N_RESAMPLES) -> Resamples:
        """Draw weights for the groups of the held-out items.

        More than 2,000 groups are assigned at random to 2,000 blocks: the blocks are still independent, and the variance
        keeps its expectation, while time and memory stop growing.

        Raises
        ------
        DataError
            There are fewer than two groups.
        """
        _, block = np.unique(np.asarray(groups), return_inverse=True)
        n_groups = int(block.max(initial=-1)) + 1
        if n_groups < 2:
            raise DataError(_too_few_groups(len(block)))
        rng = np.random.default_rng(seed)
        if n_groups > MAX_BLOCKS:
            block = (rng.permutation(n_groups) % MAX_BLOCKS)[block]
        weights = rng.standard_exponential((n_resamples, min(n_groups, MAX_BLOCKS)))
        return cls(block, weights, n_groups)

    def values(self, metric: Metric, targets: FloatArray, outputs: FloatArray) -> tuple[float, FloatArray]:
        """Compute a metric on all items, and under every resample, shape (n_resamples,)."""
        statistics = metric.statistics(np.asarray(targets, np.float64), np.asarray(outputs, np.float64))
        sums = np.stack([np.bincount(self.block, column, self.weights.shape[1]) for column in statistics.T], axis=1)
        return float(metric.combine(sums.sum(axis=0))), metric.combine(self.weights @ sums)

    def variance(self, values: FloatArray) -> float:
        """Sampling variance from resampled values; the factor makes it unbiased for a mean."""
        n_blocks = self.weights.shape[1]
        return float(np.var(values) * (n_blocks + 1) / (n_blocks - 1))

    @property
    def quantile(self) -> float:
        """Student's t for a 95 % interval with (number of groups - 1) degrees of freedom."""
        return student_t(self.n_groups - 1)


def score(
    metric: Metric,
    targets: FloatArray,
    outputs: FloatArray,
    groups: IntArray | Resamples,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Score:
    """Measure one metric with its interval.

    Parameters
    ----------
    targets, outputs : shape (n, k)
    groups : shape (n,), or the `Resamples` drawn from them
    """
    resamples = _as_resamples(groups, seed, n_resamples)
    value, values = resamples.values(metric, targets, outputs)
    low, high = _interval(metric, value, resamples.variance(values), len(targets), resamples)
    return Score(name=metric.name, value=value, low=low, high=high, unit=metric.unit, n=len(targets))


def scores(
    metrics: Iterable[Metric], targets: FloatArray, outputs: FloatArray, groups: IntArray | Resamples, *, seed: int = 0
) -> tuple[Score, ...]:
    """Measure several metrics under the same resamples, leaving out those that are undefined for these targets."""
    resamples = _as_resamples(groups, seed, N_RESAMPLES)
    measured = (score(metric, targets, outputs, resamples) for metric in metrics)
    return tuple(one for one in measured if math.isfinite(one.value))


def gain(
    metric: Metric,
    targets: FloatArray,
    ours: FloatArray,
    theirs: FloatArray,
    groups: IntArray | Resamples,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Score:
    """Measure how much better `ours` is than `theirs` on the same items: positive is better, whichever direction the metric has.

    Parameters
    ----------
    targets, ours, theirs : shape (n, k)
    groups : shape (n,), or the `Resamples` drawn from them
    """
    resamples = _as_resamples(groups, seed, n_resamples)
    our_value, our_values = resamples.values(metric, targets, ours)
    their_value, their_values = resamples.values(metric, targets, theirs)
    value = float(metric.improvement(np.array(our_value), np.array(their_value)))
    variance = resamples.variance(metric.improvement(our_values, their_values))
    centre = value
    if metric.scale == "fraction":
        sizes = [
            _effective_size(one, resamples.variance(many), len(targets), resamples.n_groups)
            for one, many in ((our_value, our_values), (their_value, their_values))
        ]
        centre, variance = _with_two_pseudo_items(value, variance, min(sizes))
    margin = resamples.quantile * math.sqrt(variance)
    low, high = min(value, centre - margin), max(value, centre + margin)
    if metric.scale == "fraction":
        low, high = max(low, -1.0), min(high, 1.0)
    return Score(name=f"gain in {metric.name}", value=value, low=low, high=high, unit=metric.unit, n=len(targets))


def _as_resamples(groups: IntArray | Resamples, seed: int, n_resamples: int) -> Resamples:
    if isinstance(groups, Resamples):
        return groups
    return Resamples.draw(groups, seed=seed, n_resamples=n_resamples)


def _too_few_groups(n_items: int) -> str:
    if n_items < 2:
        return f"an interval needs at least 2 groups of held-out items, and there {'is 1 item' if n_items else 'are no items'}. Add items."
    return (
        f"the {n_items} held-out items are one group (near-duplicates of each other, or of one value of --group), and an interval needs "
        "at least 2 groups. Add items that differ from them, or name a group column with more values."
    )


def _interval(metric: Metric, value: float, variance: float, n: int, resamples: Resamples) -> tuple[float, float]:
    if not math.isfinite(value):
        return math.nan, math.nan
    if metric.scale == "fraction":
        return _wilson(value, _effective_size(value, variance, n, resamples.n_groups), resamples.quantile)
    loss = 1 - value if metric.scale == "explained" else value
    # a loss is positive and skewed: its interval is symmetric on the logarithm
    factor = math.exp(resamples.quantile * math.sqrt(variance) / loss) if loss > 0 else 1.0
    low, high = loss / factor, loss * factor
    return (1 - high, 1 - low) if metric.scale == "explained" else (low, high)


def _effective_size(value: float, variance: float, n: int, n_groups: int) -> float:
    """Number of independent items that would give a fraction of this value this variance; at most n.

    A variance that rests on few errors says little about the correlation within groups. So the design effect is averaged
    with that of perfectly correlated items, which weighs as much as two errors and is used alone where there is no error.
    """
    size = min(float(n), value * (1 - value) / variance) if variance > 0 and 0 < value < 1 else float(n)
    n_errors = max(0.0, size * min(value, 1 - value))
    return (n_errors + 2) / (n_errors / size + 2 / n_groups)


def _wilson(value: float, size: float, quantile: float) -> tuple[float, float]:
    square = quantile**2
    centre = (value + square / (2 * size)) / (1 + square / size)
    margin = quantile * math.sqrt(value * (1 - value) / size + square / (4 * size**2)) / (1 + square / size)
    return max(0.0, min(value, centre - margin)), min(1.0, max(value, centre + margin))


def _with_two_pseudo_items(value: float, variance: float, size: float) -> tuple[float, float]:
    """Add one concordant pair and half a discordant one each way, as Agresti and Min do with pairs of proportions."""
    shrinkage = size / (size + 2)
    return value * shrinkage, variance * shrinkage**2 + 1 / (size + 2) ** 2
