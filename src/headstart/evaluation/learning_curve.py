"""Learning curve: how the score grows with the number of labels, and how many more it would take.

References
----------
Cortes et al., Learning curves: asymptotic values and rate of convergence, NeurIPS 1993 (the inverse power law).
Viering and Loog, The shape of learning curves: a review, TPAMI 2022 (and how often it misleads).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.intervals import Resamples, score
from headstart.data.holdout import assign_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.model import Head
    from headstart.core.report import Score
    from headstart.evaluation.experiment import Experiment
    from headstart.heads.problem import HeadEstimator

N_SIZES = 5
_MIN_SHARE = 1 / 16
_EXPONENTS = np.linspace(0.1, 2.0, 39)
_MAX_FACTOR = 20  # forecasts reach at most this many times the available labels
_FLAT = 0.005  # gain from doubling the labels below which the curve counts as flat
_N_SHARES = 32
_MIN_ITEMS = 6
_NEAR_PERFECT = "Held-out items are nearly all right already: more labels of the same kind have little left to gain."
_N_REWEIGHTINGS = 4


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Scores on the same held-out items after training on increasing numbers of labels.

    `points` are {n_items, value, low, high}, ascending; `forecast` is a sentence for people.
    """

    points: tuple[dict[str, Any], ...]
    forecast: str


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """value = limit - amplitude * n**-exponent; `error` is the root mean squared residual."""

    limit: float
    amplitude: float
    exponent: float
    error: float

    def at(self, n: float) -> float:
        """The expected value for n labels."""
        return float(self.limit - self.amplitude * n**-self.exponent)

    def labels_for(self, value: float) -> float:
        """Number of labels that reach `value`; infinite if none do."""
        if value >= self.limit or self.amplitude <= 0:
            return math.inf
        return float((self.amplitude / (self.limit - value)) ** (1 / self.exponent))


def learning_curve(
    experiment: Experiment,
    metric: Metric,
    *,
    head: str | HeadEstimator,
    whole: Head | None = None,
    of: str = "the model",
    reached: float = -math.inf,
    n_sizes: int = N_SIZES,
) -> LearningCurve:
    """Score heads fitted on growing subsets of the training items, always on the same held-out items.

    The training part of each fold is cut into nested subsets of whole groups, so that each point uses all held-out items.

    Parameters
    ----------
    head : the estimator to fit; a single one, since the curve is about shape rather than height
    whole : its fit on `experiment.plan.final`, if there is one already
    of : what is fitted, for the forecast
    reached : the score of what ships, of which it is a part: the forecast promises no more than what that one lacks
    """
    folds = [(nested_subsets(train, experiment, n_sizes), test) for train, test in experiment.plan.folds]
    test = experiment.plan.test
    targets, resamples = experiment.dataset.targets[test], Resamples.draw(experiment.groups[test], seed=experiment.seed)
    found: list[tuple[int, Score]] = []
    for size in range(min(len(subsets) for subsets, _ in folds)):
        parts = [
            (subsets[size - len(subsets)], positions) for subsets, positions in folds
        ]  # the last subset is the whole
        if not all(_is_learnable(experiment.dataset.targets[subset], experiment.groups[subset]) for subset, _ in parts):
            continue
        heads = [
            whole
            if whole is not None and np.array_equal(subset, experiment.plan.final)
            else experiment.adapt(subset, head=head).head
            for subset, _ in parts
        ]
        outputs = [
            head.outputs(experiment.features[positions]) for head, (_, positions) in zip(heads, parts, strict=True)
        ]
        one = score(metric, targets, np.concatenate(outputs), resamples)
        if math.isfinite(one.value):
            found.append((round(float(np.mean([len(subset) for subset, _ in parts]))), one))
    points = tuple({"n_items": n, "value": one.value, "low": one.low, "high": one.high} for n, one in found)
    return LearningCurve(points=points, forecast=forecast(found, metric, of=of, reached=reached))


def nested_subsets(index: IntArray, experiment: Experiment, n_sizes: int = N_SIZES) -> list[IntArray]:
    """Growing subsets of the items at `index`, each containing the previous ones; the last has all items.

    Groups stay whole, classes are stratified, and sizes grow geometrically from about a sixteenth.
    """
    groups, targets = experiment.groups[index], experiment.dataset.targets[index]
    shares = assign_folds(groups, targets, min(_N_SHARES, len(np.unique(groups))), experiment.seed)
    n_shares = int(shares.max(initial=0)) + 1
    wanted = np.geomspace(_MIN_SHARE, 1, n_sizes) * n_shares
    counts = np.unique(np.clip(np.round(wanted).astype(int), 1, n_shares))
    return [np.sort(index[shares < count]) for count in counts]


def forecast(
    found: Sequence[tuple[int, Score]], metric: Metric, *, of: str = "the model", reached: float = -math.inf
) -> str:
    """How many more labels would gain how much, or why that is unknown, as a sentence.

    Parameters
    ----------
    of : what the curve is of
    reached : the score of what ships, in the unit of the metric; of a metric with a perfect value, no more than what is missing is promised
    """
    if len(found) < 4:
        return "Too few labels for a learning curve: add some and run again."
    sizes = np.array([n for n, _ in found], np.float64)
    # losses change sign, so that higher is better
    sign = 1.0 if metric.higher_is_better else -1.0
    values = sign * np.array([one.value for _, one in found])
    spread = np.array([(one.high - one.low) / 4 for _, one in found])
    law = fit_power_law(sizes, values, bound=1.0 if metric.higher_is_better else 0.0, spread=spread)
    n, now = sizes[-1], law.at(sizes[-1])
    unit = _step(metric, float(abs(values[-1])))
    if law.error > max(float(spread.mean()), 0.2 * float(np.ptp(values))):
        return f"The learning curve of {of} is too uneven for a forecast: more labels may or may not help."
    if law.at(2 * n) - now < _FLAT / 0.01 * unit:
        return f"The learning curve of {of} is flat: more labels of the same kind will not help it much."
    left = (1 - max(now, reached)) / unit if _has_best(metric) else math.inf
    said = _sentence(law, n, now, metric, unit=unit, left=left)
    return f"{said}, by the learning curve of {of}." if said else _NEAR_PERFECT


def fit_power_law(
    sizes: FloatArray, values: FloatArray, *, bound: float = math.inf, spread: FloatArray | None = None
) -> PowerLaw:
    """Fit limit - amplitude * n**-exponent with amplitude ≥ 0 and limit ≤ bound; outliers count less (Huber).

    Parameters
    ----------
    spread : standard errors of the values; more certain points weigh more
    """
    sizes, values = np.asarray(sizes, np.float64), np.asarray(values, np.float64)
    certainty = np.ones(len(sizes)) if spread is None else 1 / np.maximum(spread, 1e-3) ** 2
    laws = [_fit_at(float(exponent), sizes, values, certainty / certainty.mean(), bound) for exponent in _EXPONENTS]
    return min(laws, key=lambda law: law.error)


def _fit_at(exponent: float, sizes: FloatArray, values: FloatArray, certainty: FloatArray, bound: float) -> PowerLaw:
    """Weighted least squares for one exponent, reweighted so that outliers count less."""
    x = sizes**-exponent
    weights = certainty
    limit, amplitude = float(values[-1]), 0.0
    for _ in range(_N_REWEIGHTINGS):
        limit, amplitude = _line(x, values, weights, bound)
        residual = np.abs(values - limit + amplitude * x)
        scale = 1.5 * max(float(np.median(residual)), 1e-9)
        weights = certainty * np.minimum(1, scale / np.maximum(residual, 1e-12))
    error = math.sqrt(float(np.average((values - limit + amplitude * x) ** 2, weights=certainty)))
    return PowerLaw(limit=limit, amplitude=amplitude, exponent=exponent, error=error)


def _line(x: FloatArray, values: FloatArray, weights: FloatArray, bound: float) -> tuple[float, float]:
    """Limit and amplitude by bounded least squares."""
    mean_x, mean = np.average(x, weights=weights), np.average(values, weights=weights)
    variance = np.average((x - mean_x) ** 2, weights=weights)
    amplitude = max(0.0, -float(np.average((x - mean_x) * (values - mean), weights=weights) / max(variance, 1e-300)))
    limit = float(mean + amplitude * mean_x)
    if limit <= bound:
        return limit, amplitude
    return bound, max(0.0, float(np.average(x * (bound - values), weights=weights) / np.average(x**2, weights=weights)))


def _is_learnable(targets: FloatArray, groups: IntArray) -> bool:
    """Whether there are enough items, their targets vary, and a group can be held out."""
    return len(targets) >= _MIN_ITEMS and bool(np.ptp(targets, axis=0).any()) and bool(np.ptp(groups))


def _step(metric: Metric, value: float) -> float:
    """One point of a fraction, or one hundredth of a loss."""
    return 0.01 if metric.unit == "fraction" else 0.01 * max(value, 1e-9)


def _has_best(metric: Metric) -> bool:
    """Whether 1 is a perfect score: of fractions, and of the share that is explained."""
    return metric.higher_is_better and metric.unit == "fraction"


def _sentence(law: PowerLaw, n: float, now: float, metric: Metric, *, unit: float, left: float) -> str:
    """What so many labels gain; empty where less than half a point is left to gain.

    Parameters
    ----------
    left : what the model that ships lacks to a perfect score, in units
    """
    for n_units in (5, 2, 1):
        more = law.labels_for(now + n_units * unit) - n
        if n_units <= left and more <= n * (_MAX_FACTOR if n_units == 1 else 3):
            return f"About {round_label_count(more):,} more labels for {_amount(n_units, metric)}"
    gained = min((law.at(2 * n) - now) / unit, left)
    return "" if gained < _FLAT / 0.01 else f"Twice the labels would gain about {_amount(round(gained, 1), metric)}"


def _amount(n_units: float, metric: Metric) -> str:
    if metric.unit == "fraction":
        return f"{n_units:g} {'point' if n_units == 1 else 'points'} of {metric.name}"
    return f"{n_units:g} % less {metric.name}"


def round_label_count(n: float) -> int:
    """Round up to one significant digit, or two if the first is a 1: forecasts are not more precise.

    >>> [round_label_count(n) for n in (3.2, 41, 128, 377, 12345)]
    [4, 50, 130, 400, 13000]
    """
    digits = 10 ** max(0, math.floor(math.log10(max(n, 1))) - (1 if str(int(max(n, 1)))[0] == "1" else 0))
    return int(max(1, math.ceil(n / digits) * digits))
