"""Metric: written as sums over items, so that any resample costs one matrix product; each task lists its own.

A metric gives every item a row of statistics; the metric's value is a function of their sums. Rank metrics (ROC AUC,
average precision) are not sums over items: they return pseudo-values of the items instead, whose mean is the metric and whose
spread is its sampling variance to first order (the infinitesimal jackknife).

References
----------
Efron, The Jackknife, the Bootstrap and Other Resampling Plans, SIAM 1982 (infinitesimal jackknife).
DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated ROC curves, Biometrics 1988.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.arrays import FloatArray

    Statistics = Callable[[FloatArray, FloatArray], FloatArray]
    Combine = Callable[[FloatArray], FloatArray]

Scale = Literal["fraction", "positive", "explained"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to compare outputs with targets.

    Attributes
    ----------
    unit : 'fraction', 'nats', 'target' (the unit of the target)
    scale : the shape of its interval: 'fraction' lies in [0, 1], 'positive' in [0, inf), 'explained' in (-inf, 1]
    statistics : (targets (n, k), outputs (n, k)) -> (n, m)
    combine : sums of the statistics (..., m) -> (...)
    is_of_decisions : whether it judges what is decided, rather than probabilities or ranks
    is_mean_over_labels : whether every label counts as much as any other, however rare
    """

    name: str
    unit: str
    scale: Scale
    higher_is_better: bool
    statistics: Statistics
    combine: Combine
    is_of_decisions: bool = False
    is_mean_over_labels: bool = False

    def of(self, targets: FloatArray, outputs: FloatArray) -> float:
        """Compute the metric on all items; NaN where it is undefined (R² of a constant target, AUC of one class)."""
        statistics = self.statistics(np.asarray(targets, np.float64), np.asarray(outputs, np.float64))
        return float(self.combine(statistics.sum(axis=0)))

    def is_defined(self, targets: FloatArray) -> bool:
        """Whether it can be computed for these targets (n, k)."""
        return bool(np.isfinite(self.of(targets, np.zeros_like(targets))))

    def of_weighed(self, weigh: Callable[[FloatArray], FloatArray]) -> Metric:
        """The same metric of decisions made from `weigh(outputs)`; the metric itself where it is not of decisions."""
        if not self.is_of_decisions:
            return self
        statistics = self.statistics
        return replace(self, statistics=lambda targets, outputs: statistics(targets, weigh(outputs)))

    def improvement(self, ours: FloatArray, theirs: FloatArray) -> FloatArray:
        """How much better `ours` is than `theirs`, whichever direction the metric has."""
        return ours - theirs if self.higher_is_better else theirs - ours


def fraction(
    name: str,
    statistics: Statistics,
    combine: Combine,
    *,
    is_of_decisions: bool = False,
    is_mean_over_labels: bool = False,
) -> Metric:
    """Make a metric in [0, 1] where higher is better."""
    return Metric(
        name=name,
        unit="fraction",
        scale="fraction",
        higher_is_better=True,
        statistics=statistics,
        combine=combine,
        is_of_decisions=is_of_decisions,
        is_mean_over_labels=is_mean_over_labels,
    )


def loss(name: str, unit: str, statistics: Statistics, combine: Combine) -> Metric:
    """Make a metric where lower is better."""
    return Metric(
        name=name,
        unit=unit,
        scale="fraction" if unit == "fraction" else "positive",
        higher_is_better=False,
        statistics=statistics,
        combine=combine,
    )
