"""Which answers are worth a label most: those the model is unsure of, that many others resemble, and that lie where the records moved.

Each factor is between 0 and 1, and their product orders the answers (uncertainty × density × drift).

References
----------
Settles and Craven, An analysis of active learning strategies for sequence labeling tasks, 2008 (information density).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.ranks import bins_of
from headstart.monitoring.sums import record_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.monitoring.reference import Reference

_N_LANDMARKS = 512
_STEADY = 0.05  # how far a member's mean rank strays by chance: less moves no order
_LEAST = 1e-3


def usefulness(
    task: TaskSpec,
    outputs: FloatArray,
    *,
    features: FloatArray | None = None,
    reference: Reference | None = None,
    items: Sequence[Any] | None = None,
) -> FloatArray:
    """How useful a label would be, shape (n,), from 0 to 1.

    Parameters
    ----------
    outputs : shape (n, k)
    features : shape (n, d), in which answers resemble each other; None: their outputs
    reference : what the records may have moved away from; None: nothing is known of that
    items : what the model read; None where only answers are known
    """
    drift = np.ones(len(outputs)) if reference is None else drift_of(reference, outputs, items, features)
    space = _placed(task, outputs) if features is None else features
    return np.maximum(uncertainty_of(task, outputs), _LEAST) * np.maximum(density_of(space), _LEAST) * drift


def uncertainty_of(task: TaskSpec, outputs: FloatArray) -> FloatArray:
    """The entropy of the probabilities, of what it can be at most, shape (n,); 1 of a task without probabilities.

    >>> from headstart.core.tasks import get_task
    >>> uncertainty_of(get_task("binary"), np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([1., 0.])
    """
    if not task.has_probabilities:
        return np.ones(len(outputs))
    p = np.clip(np.asarray(outputs, np.float64), 0.0, 1.0)
    if task.is_multi_label or p.shape[1] == 1:
        return np.asarray((_entropy(p) + _entropy(1 - p)).mean(axis=1) / np.log(2))
    return np.asarray(_entropy(p).sum(axis=1) / np.log(p.shape[1]))


def density_of(space: FloatArray) -> FloatArray:
    """How near the others are, of the densest place, shape (n,).

    The mean of a Gaussian kernel to at most 512 of them, as wide as their median distance.
    """
    points = np.asarray(space, np.float64)
    places = np.unique(np.linspace(0, len(points) - 1, min(len(points), _N_LANDMARKS)).astype(int))
    landmarks = points[places]
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ landmarks.T + (landmarks**2).sum(axis=1)
    squares = np.maximum(squares, 0.0)
    width = float(np.median(squares))
    if not width > 0:
        return np.ones(len(points))
    near = np.exp(-squares / (2 * width)).mean(axis=1)
    return np.asarray(near / near.max())


def drift_of(
    reference: Reference, outputs: FloatArray, items: Sequence[Any] | None, features: FloatArray | None
) -> FloatArray:
    """How far a record lies the way in which the records as a whole moved, shape (n,), from 0 to 1; 0.5 where nothing moved."""
    values = record_values(reference, items, np.asarray(outputs, np.float64), features).values
    towards, size = np.zeros(len(outputs)), 0.0
    for column, member in zip(values.T, reference.of_records(), strict=True):
        ranks = _ranks(member.edges, member.counts, column)
        if np.isnan(ranks).all():
            continue
        moved = float(np.nanmean(ranks)) - 0.5
        towards += moved * np.nan_to_num(ranks - 0.5)
        size += abs(moved) + _STEADY
    return 0.5 + towards / size if size else np.full(len(outputs), 0.5)


def _ranks(edges: FloatArray, counts: Any, values: FloatArray) -> FloatArray:
    """Of values among the reference, NaN where one is missing."""
    if not counts.sum():
        return np.full(len(values), np.nan)
    bins = bins_of(edges, values)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.where(bins < 0, np.nan, middle[np.maximum(bins, 0)])


def _placed(task: TaskSpec, outputs: FloatArray) -> FloatArray:
    """Outputs as places: roots of probabilities, so that their distances are Hellinger's."""
    return np.sqrt(np.clip(outputs, 0.0, None)) if task.has_probabilities else np.asarray(outputs, np.float64)


def _entropy(p: FloatArray) -> FloatArray:
    return np.asarray(-p * np.log(np.maximum(p, 1e-300)))
