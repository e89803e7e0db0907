"""Prediction sets and intervals: all plausible labels, or values, so that the true one is among them as often as promised.

References
----------
Sadinle, Lei and Wasserman, Least ambiguous set-valued classifiers with bounded error levels, JASA 2019; the threshold is that of
split conformal prediction (Papadopoulos et al., Inductive confidence machines for regression, ECML 2002).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

COVERAGE = 0.9
_STEPS = (
    1e6  # thresholds are rounded down to millionths, so that single precision cannot exclude the items they come from
)


def prediction_interval(outputs: FloatArray, targets: FloatArray, *, coverage: float = COVERAGE) -> dict[str, float]:
    """Choose how far around a predicted value the true one is.

    Parameters
    ----------
    outputs, targets : predicted and true values of held-out items, shape (n, 1)
    coverage : minimum share of new items like these whose value is within the interval

    Returns
    -------
    `coverage` and `half_width`, in the units of the target; it is the same for all items. Empty for fewer than coverage / (1 - coverage)
    items, which cannot guarantee anything.
    """
    n_inside = math.ceil((len(outputs) + 1) * coverage - 1e-9)  # of these items and the new one
    if n_inside > len(outputs):
        return {}
    errors = np.sort(np.abs(outputs - targets)[:, 0])
    return {"coverage": coverage, "half_width": float(errors[n_inside - 1])}


def prediction_set(
    outputs: FloatArray, targets: FloatArray, task: TaskSpec, *, coverage: float = COVERAGE
) -> dict[str, float]:
    """Choose the smallest probability of a label in the set.

    Parameters
    ----------
    outputs, targets : probabilities and indicators of held-out items, shape (n, k)
    coverage : minimum share of new items like these whose set contains the true label

    Returns
    -------
    `coverage`, `threshold`, and `mean_size` on these items, where the most likely label is always included. Of a regression what
    `prediction_interval` gives. Empty for multi-label tasks, and for fewer than coverage / (1 - coverage) items, which cannot guarantee anything.
    """
    if not task.has_probabilities:
        return prediction_interval(outputs, targets, coverage=coverage)
    n_outside = math.floor((len(outputs) + 1) * (1 - coverage) + 1e-9)  # of these items and the new one
    if not task.is_single_label or not n_outside:
        return {}
    true = np.sort((outputs * targets).sum(axis=1))
    threshold = math.floor(float(true[n_outside - 1]) * _STEPS) / _STEPS
    is_in = outputs >= np.minimum(threshold, outputs.max(axis=1, keepdims=True))
    return {"coverage": coverage, "threshold": threshold, "mean_size": round(float(is_in.sum(axis=1).mean()), 3)}
