"""The sums that each metric is a function of.

One kind of function takes targets and outputs, shape (n, k), and returns a row of statistics for each item (n, m); the other takes
sums of these rows (..., m) and returns the metric (...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.arrays import FloatArray, IntArray

SMALLEST_PROBABILITY = float(
    np.finfo(np.float32).eps
)  # outputs are float32: anything smaller is indistinguishable from zero
N_BINS = 15


# ---- single-label classification


def most_likely_indicators(outputs: FloatArray) -> FloatArray:
    """Indicators of the most likely class, the first among equals."""
    chosen = np.zeros_like(outputs)
    chosen[np.arange(len(outputs)), outputs.argmax(axis=1)] = 1
    return chosen


def accuracy(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _with_count((targets * most_likely_indicators(outputs)).sum(axis=1))


def recalls(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return np.hstack([targets * most_likely_indicators(outputs), targets])


def mean_recall(sums: FloatArray) -> FloatArray:
    hits, totals = np.split(sums, 2, axis=-1)
    return _mean_ratio(hits, totals)


def confusions(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    chosen = most_likely_indicators(outputs)
    return np.hstack([targets * chosen, targets + chosen])


def mean_f1(sums: FloatArray) -> FloatArray:
    hits, totals = np.split(sums, 2, axis=-1)
    return _mean_ratio(2 * hits, totals)


def log_loss(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    likelihood = np.clip(outputs, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return _with_count(-(targets * np.log(likelihood)).sum(axis=1))


def calibration(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    """Confidence minus correctness in the bin of the item's confidence; 15 bins of equal width (Guo et al., 2017)."""
    confidence = outputs.max(axis=1)
    correct = (targets * most_likely_indicators(outputs)).sum(axis=1)
    bins = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    gaps = np.zeros((len(outputs), N_BINS))
    gaps[np.arange(len(outputs)), bins] = confidence - correct
    return np.hstack([gaps, np.ones((len(outputs), 1))])


def mean_gap(sums: FloatArray) -> FloatArray:
    return np.asarray(np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1])


# ---- ranks: pseudo-values


def auc(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _mean_over_columns(_auc_pseudo_values, targets, outputs)


def average_precision(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _mean_over_columns(_average_precision_pseudo_values, targets, outputs)


def rare_average_precision(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    """Average precision of the rarer of two classes, the second one in a tie; of more classes the mean.

    The frequent one is found by guessing, so that the mean of both would be near one whatever the model.
    """
    if targets.shape[1] != 2:
        return average_precision(targets, outputs)
    rarer = 0 if targets[:, 0].sum() < targets[:, 1].sum() else 1
    return average_precision(targets[:, [rarer]], outputs[:, [rarer]])


def _mean_over_columns(
    pseudo_values: Callable[[FloatArray, FloatArray], FloatArray | None], targets: FloatArray, outputs: FloatArray
) -> FloatArray:
    """Average over the columns in which the metric is defined."""
    columns = [pseudo_values(targets[:, j], outputs[:, j]) for j in range(targets.shape[1])]
    defined = [column for column in columns if column is not None]
    mean = np.mean(defined, axis=0) if defined else np.full(len(targets), np.nan)
    return _with_count(mean)


def _auc_pseudo_values(target: FloatArray, score: FloatArray) -> FloatArray | None:
    """Pseudo-values of the area under the ROC curve; None without both a positive and a negative."""
    positive = target > 0.5
    n, n_positive = len(target), int(positive.sum())
    if n_positive in (0, n):
        return None
    below, ties = _below_and_equal(score[~positive], score[positive])
    above, ties_above = _below_and_equal(-score[positive], -score[~positive])
    placement = np.empty(n)  # share of the other class that the item is ranked correctly against
    placement[positive] = (below + ties / 2) / (n - n_positive)
    placement[~positive] = (above + ties_above / 2) / n_positive
    area = placement[positive].mean()
    share = np.where(positive, n_positive / n, 1 - n_positive / n)
    return np.asarray(area + (placement - area) / share)


def _below_and_equal(population: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Count the population below, and equal to, each value."""
    ordered = np.sort(population)
    below = np.searchsorted(ordered, values, side="left").astype(np.float64)
    return below, np.searchsorted(ordered, values, side="right").astype(np.float64) - below


def _average_precision_pseudo_values(target: FloatArray, score: FloatArray) -> FloatArray | None:
    """Pseudo-values of average precision (the step-wise area, ties taken together); None without a positive."""
    positive = (target > 0.5).astype(np.float64)
    n, n_positive = len(target), positive.sum()
    if n_positive == 0:
        return None
    order = np.argsort(-score, kind="stable")
    hits, ordered = positive[order], score[order]
    first, last = _ties(ordered)
    n_hits, n_seen = np.cumsum(hits)[last], (last + 1).astype(np.float64)
    precision = n_hits / n_seen
    area = (hits * precision).sum() / n_positive
    # an item enters the precision of every positive ranked at or below it
    loss_if_seen = _sums_from_here(hits * n_hits / n_seen**2)[first]
    gain_if_hit = _sums_from_here(hits / n_seen)[first]
    derivative = (hits * (precision - area + gain_if_hit) - loss_if_seen) / n_positive
    values = np.empty(n)
    values[order] = area + n * derivative
    return values


def _ties(ordered: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last position of the tie that each position belongs to."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    first = np.repeat(starts, lengths)
    return first, first + np.repeat(lengths, lengths) - 1


def _sums_from_here(values: FloatArray) -> FloatArray:
    """Sum from each position to the end."""
    return np.cumsum(values[::-1])[::-1]


# ---- multi-label classification


def flags(outputs: FloatArray) -> FloatArray:
    return (outputs > 0.5).astype(np.float64)


def label_confusions(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    flagged = flags(outputs)
    return np.hstack([targets * flagged, targets + flagged])


def micro_f1(sums: FloatArray) -> FloatArray:
    hits, totals = np.split(sums, 2, axis=-1)
    return _ratio(2 * hits.sum(axis=-1), totals.sum(axis=-1))


def label_mean_f1(sums: FloatArray) -> FloatArray:
    """Mean over all labels; one that neither occurs nor is predicted counts 0, as in scikit-learn."""
    hits, totals = np.split(sums, 2, axis=-1)
    return np.asarray(np.divide(2 * hits, totals, out=np.zeros_like(hits), where=totals > 0).mean(axis=-1))


def subset_accuracy(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _with_count((flags(outputs) == targets).all(axis=1).astype(np.float64))


def label_log_loss(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    bounded = np.clip(outputs, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return _with_count(-np.log(np.where(targets > 0.5, bounded, 1 - bounded)).mean(axis=1))


# ---- regression


def absolute_error(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _with_count(np.abs(targets - outputs).mean(axis=1))


def squared_error(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    return _with_count(((targets - outputs) ** 2).mean(axis=1))


def root_mean(sums: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(mean(sums)))


def variance_parts(targets: FloatArray, outputs: FloatArray) -> FloatArray:
    centred = targets - targets.mean(axis=0)  # keeps the sum of squares exact for targets far from zero
    errors = ((targets - outputs) ** 2).sum(axis=1, keepdims=True)
    return np.hstack([errors, centred, (centred**2).sum(axis=1, keepdims=True), np.ones((len(targets), 1))])


def explained(sums: FloatArray) -> FloatArray:
    error, total, square, count = sums[..., 0], sums[..., 1:-2], sums[..., -2], sums[..., -1]
    return 1 - _ratio(error, square - (total**2).sum(axis=-1) / count)


# ---- shared algebra


def _with_count(values: FloatArray) -> FloatArray:
    return np.stack([values, np.ones(len(values))], axis=1)


def mean(sums: FloatArray) -> FloatArray:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Ratio; NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    undefined = np.full(numerator.shape, np.nan)
    return np.asarray(np.divide(numerator, denominator, out=undefined, where=denominator > 0))


def _mean_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Mean ratio over the classes that occur."""
    occurs = denominator > 0
    ratios = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=occurs)
    return _ratio(ratios.sum(axis=-1), occurs.sum(axis=-1))
