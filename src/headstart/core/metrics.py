"""Metrics that suit a task, each written as sums over items so that any resample costs one matrix product.

A metric gives every item a row of statistics; the metric's value is a function of their sums. Metrics of ranks (ROC AUC,
average precision) are no such sums: they give the items' pseudo-values instead, whose mean is the metric and whose spread
is its sampling variance to first order (the infinitesimal jackknife).

References
----------
Efron, The Jackknife, the Bootstrap and Other Resampling Plans, SIAM 1982 (infinitesimal jackknife).
DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated ROC curves, Biometrics 1988.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from headstart.core import metric_sums as sums
from headstart.core.dataset import TASKS, FloatArray, Task
from headstart.core.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable

Scale = Literal["fraction", "positive", "explained"]

IMBALANCED = 0.8  # above this share of the largest class, accuracy mostly praises the majority


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to compare outputs with targets.

    Attributes
    ----------
    unit : 'fraction', 'nats', 'target' (the unit of the target)
    scale : how its interval is shaped: 'fraction' lies in [0, 1], 'positive' in [0, inf), 'explained' in (-inf, 1]
    statistics : (targets (n, k), outputs (n, k)) -> (n, m)
    combine : sums of the statistics (..., m) -> (...)
    """

    name: str
    unit: str
    scale: Scale
    higher_is_better: bool
    tasks: tuple[Task, ...]
    statistics: Callable[[FloatArray, FloatArray], FloatArray]
    combine: Callable[[FloatArray], FloatArray]

    def of(self, targets: FloatArray, outputs: FloatArray) -> float:
        """Compute the metric on all items; NaN where it is undefined (R² of a constant target, AUC of one class)."""
        statistics = self.statistics(np.asarray(targets, np.float64), np.asarray(outputs, np.float64))
        return float(self.combine(statistics.sum(axis=0)))

    def improvement(self, ours: FloatArray, theirs: FloatArray) -> FloatArray:
        """How much better `ours` is than `theirs`, whichever way the metric points."""
        return ours - theirs if self.higher_is_better else theirs - ours


def metrics_for(task: Task) -> tuple[Metric, ...]:
    """All metrics that suit a task, in the order in which a report shows them."""
    return tuple(metric for metric in _METRICS if task in metric.tasks)


def metric_named(name: str, task: Task | None = None) -> Metric:
    """Find a metric.

    Raises
    ------
    OptionError
        There is none of that name for the task; the message gives the nearest.
    """
    known = {metric.name: metric for metric in (_METRICS if task is None else metrics_for(task))}
    if name not in known:
        raise unknown_name("metric", name, known)
    return known[name]


def headline(task: Task, targets: FloatArray) -> Metric:
    """Choose the metric that the verdict rests on.

    Accuracy says what people ask; with one class above 80 % it would praise the majority, so ROC AUC, which asks
    how well the rare are told from the many and does not hang on anybody's threshold. For
    multi-label, macro average precision: it needs no threshold and a rare label counts as much as a common one. For a
    regression R²: free of units, higher is better, 0 is what the mean would reach.
    """
    if task == "multilabel":
        return metric_named("mean average precision", task)
    if task == "regression":
        return metric_named("R²", task)
    shares = targets.mean(axis=0)
    return metric_named("ROC AUC" if shares.max() > IMBALANCED else "accuracy", task)


_ONE_CLASS: tuple[Task, ...] = ("binary", "multiclass")
_LABELS: tuple[Task, ...] = ("multilabel",)
_VALUES: tuple[Task, ...] = ("regression",)


def _fraction(
    name: str,
    tasks: tuple[Task, ...],
    statistics: Callable[[FloatArray, FloatArray], FloatArray],
    combine: Callable[[FloatArray], FloatArray],
) -> Metric:
    return Metric(
        name=name,
        unit="fraction",
        scale="fraction",
        higher_is_better=True,
        tasks=tasks,
        statistics=statistics,
        combine=combine,
    )


def _loss(
    name: str,
    unit: str,
    tasks: tuple[Task, ...],
    statistics: Callable[[FloatArray, FloatArray], FloatArray],
    combine: Callable[[FloatArray], FloatArray],
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        scale="fraction" if unit == "fraction" else "positive",
        higher_is_better=False,
        tasks=tasks,
        statistics=statistics,
        combine=combine,
    )


_METRICS: tuple[Metric, ...] = (
    _fraction("accuracy", _ONE_CLASS, sums.accuracy, sums.mean),
    _fraction("balanced accuracy", _ONE_CLASS, sums.recalls, sums.mean_recall),
    _fraction("macro-F1", _ONE_CLASS, sums.confusions, sums.mean_f1),
    _fraction("ROC AUC", _ONE_CLASS, sums.auc, sums.mean),
    _fraction("average precision", _ONE_CLASS, sums.average_precision, sums.mean),
    _loss("log loss", "nats", _ONE_CLASS, sums.log_loss, sums.mean),
    _loss("calibration error", "fraction", _ONE_CLASS, sums.calibration, sums.mean_gap),
    _fraction("mean average precision", _LABELS, sums.average_precision, sums.mean),
    _fraction("micro-F1", _LABELS, sums.label_confusions, sums.micro_f1),
    _fraction("macro-F1", _LABELS, sums.label_confusions, sums.label_mean_f1),
    _fraction("subset accuracy", _LABELS, sums.subset_accuracy, sums.mean),
    _loss("log loss", "nats", _LABELS, sums.label_log_loss, sums.mean),
    Metric(
        name="R²",
        unit="fraction",
        scale="explained",
        higher_is_better=True,
        tasks=_VALUES,
        statistics=sums.variance_parts,
        combine=sums.explained,
    ),
    _loss("MAE", "target", _VALUES, sums.absolute_error, sums.mean),
    _loss("RMSE", "target", _VALUES, sums.squared_error, sums.root_mean),
)

assert {task for metric in _METRICS for task in metric.tasks} == set(TASKS)
