"""What can be said without labels: the accuracy, from calibrated probabilities, and the shares of the labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.student import Z_95
from headstart.monitoring.distance import with_interval
from headstart.monitoring.output_cells import likeliest_shares

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.monitoring.history import History, Sums
    from headstart.monitoring.reference import Reference

Intervals = list[tuple[float, float, float]]  # value, low, high

_N_STEPS = 2000
_MIN_START = 1e-3  # a share of 0 would stay so
_MIN_CONDITION = 1e-3  # smallest singular value of a confusion matrix that can be inverted


def calibrated(reference: Reference, confidence: FloatArray) -> FloatArray:
    """How often answers of that confidence were right in the reference, shape (n,): its ranges joined by lines, never falling."""
    ranges = reference.reliability
    if not len(ranges):
        return np.full(len(confidence), np.nan)
    return np.interp(confidence, ranges[:, 0], _rising(ranges[:, 1], ranges[:, 2]))


def _rising(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The nearest sequence that never falls (pool adjacent violators)."""
    pooled: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        pooled.append([float(value), float(weight), 1])
        while len(pooled) > 1 and pooled[-2][0] > pooled[-1][0]:
            (a, m, i), (b, n, j) = pooled[-2:]
            pooled[-2:] = [[(a * m + b * n) / (m + n), m + n, i + j]]
    return np.array([value for value, _, size in pooled for _ in range(int(size))])


def estimated_accuracy(reference: Reference, history: History) -> tuple[float, float, float] | None:
    """The accuracy and its 95 % interval; None where it cannot be estimated.

    It holds as long as answers of a confidence are right as often as in the reference: where the meaning of labels changed, only labels
    show it.

    References
    ----------
    Guillory et al., Predicting with confidence on unseen distributions, 2021. NannyML's CBPE is the same idea.
    """
    total = history.total()
    if not len(reference.reliability) or not total.get("n_answered", np.zeros(1))[0]:
        return None

    def figure(sums: Sums) -> FloatArray:
        return sums["calibrated"] / np.maximum(sums["n_answered"], 1e-9)

    value, n = float(figure(total)[0]), float(total["n_answered"][0])
    rate = min(max(value, 1e-6), 1 - 1e-6)
    of_reference = rate * (1 - rate) / max(reference.n_labelled, 1)
    spread = float(history.resampled(figure).var()) if len(history.blocks) > 1 else rate * (1 - rate) / n
    # what is estimated is the share of right answers among these records, which varies by itself
    value, low, high = with_interval(value, of_reference + spread + rate * (1 - rate) / n, 1000)
    return value, max(0.0, low), min(1.0, high)


def most_likely_shares(reference: Reference, history: History) -> Intervals | None:
    """The share of each true label now, with its 95 % interval, if only the shares changed; None where that cannot be told.

    The shares under which the live outputs are most likely, each output counted by its cell.

    References
    ----------
    Saerens, Latinne and Decaestecker, 2002; Garg et al., A unified view of label shift estimation, 2020.
    """
    given_label, total = reference.cells.given_label, history.total()
    if not len(given_label) or not total.get("cells", np.zeros(1)).sum():
        return None
    if np.linalg.svd(given_label, compute_uv=False)[-1] < _MIN_CONDITION:
        return None
    start = np.maximum(reference.shares, _MIN_START)
    shares = likeliest_shares(given_label, total["cells"], start=start / start.sum())
    counts = history.resampled(lambda sums: sums["cells"])[::4] + 1e-9
    tables = _resampled_columns(given_label, np.maximum(reference.shares * reference.n_labelled, 1.0), len(counts))
    start = np.maximum(shares, _MIN_START)
    draws = likeliest_shares(tables, counts, start=start / start.sum(), n_steps=200)
    return _with_intervals(shares, draws.std(axis=0))


def _resampled_columns(given_label: FloatArray, counts: FloatArray, n: int) -> FloatArray:
    """Tables as other references of as many items of each label would have given, shape (n, c, k)."""
    drawn = np.random.default_rng(0).gamma(np.maximum(given_label * counts, 1e-6), size=(n, *given_label.shape)) + 1e-9
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _with_intervals(shares: FloatArray, spread: FloatArray) -> Intervals:
    return [
        (float(s), max(0.0, float(s - Z_95 * e)), min(1.0, float(s + Z_95 * e)))
        for s, e in zip(shares, spread, strict=True)
    ]


def black_box_shares(reference: Reference, history: History) -> Intervals | None:
    """The same by black-box shift estimation, which needs no calibrated probabilities.

    The mean outputs are those of each label in the reference, mixed by the shares; solved for them.

    References
    ----------
    Lipton, Wang and Smola, Detecting and correcting for label shift with black box predictors, 2018 (here with probabilities).
    """
    confusion = reference.confusion
    total = history.total()
    if not len(confusion) or not total.get("n_answered", np.zeros(1))[0]:
        return None
    if np.linalg.svd(confusion, compute_uv=False)[-1] < _MIN_CONDITION:
        return None

    def figure(sums: Sums) -> FloatArray:
        return solve_shares(confusion, sums["outputs"] / np.maximum(sums["n_answered"], 1e-9))

    shares = figure(total)
    rng = np.random.default_rng(0)
    noise = _reference_noise(reference, shares)
    draws = history.resampled(lambda sums: sums["outputs"] / np.maximum(sums["n_answered"], 1e-9))[::4]
    spread = np.array(
        [
            solve_shares(confusion, draw + noise * rng.standard_normal(len(noise)), n_steps=200, start=shares)
            for draw in draws
        ]
    ).std(axis=0)
    return _with_intervals(shares, spread)


def _reference_noise(reference: Reference, shares: FloatArray) -> FloatArray:
    """The standard error of mixed mean outputs for the reference holds few items of each label."""
    counts = np.maximum(reference.shares * reference.n_labelled, 1.0)
    variance = reference.confusion * (1 - reference.confusion) / counts[:, None]
    return np.sqrt((shares[:, None] ** 2 * variance).sum(axis=0))


def solve_shares(
    confusion: FloatArray, outputs: FloatArray, *, n_steps: int = _N_STEPS, start: FloatArray | None = None
) -> FloatArray:
    """Shares, none negative and together 1, whose mixture of the rows of `confusion` is nearest to `outputs`.

    >>> solve_shares(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.55, 0.45])).round(3)
    array([0.5, 0.5])
    """
    shares = np.full(len(outputs), 1 / len(outputs)) if start is None else start.copy()
    step = 1 / np.linalg.norm(confusion, 2) ** 2
    ahead, momentum = shares, 1.0
    for _ in range(n_steps):  # projected gradient with momentum
        after = _on_simplex(ahead - step * (confusion @ (confusion.T @ ahead - outputs)))
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = after + (momentum - 1) / following * (after - shares)
        if float(np.abs(after - shares).max()) < 1e-9:
            return after
        shares, momentum = after, following
    return shares


def _on_simplex(values: FloatArray) -> FloatArray:
    """The nearest shares."""
    ordered = np.sort(values)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(values) + 1)
    return np.maximum(values - excess[np.flatnonzero(ordered > excess)[-1]], 0)
