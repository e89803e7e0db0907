"""Blend: a non-negative mean of candidates' outputs, weighed on held-out predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

_SMALLEST_WEIGHT = 0.05


def blend_weights(outputs: Sequence[FloatArray], targets: FloatArray, task: TaskSpec) -> FloatArray:
    """Weights >= 0 that sum to one and minimise the mean loss of the weighted outputs, shape (n_candidates,).

    Weights under 0.05 are dropped: they cost a head and change nothing.
    """
    if len(outputs) == 1:
        return np.ones(1)
    from scipy.optimize import minimize

    stack = np.stack(outputs)  # (m, n, k)
    m = len(stack)
    found = minimize(
        lambda w: float(task.losses(np.tensordot(w, stack, axes=1), targets).mean()),
        np.full(m, 1.0 / m),
        method="SLSQP",
        bounds=[(0.0, 1.0)] * m,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0},
    )
    weights = np.where(found.x < _SMALLEST_WEIGHT, 0.0, found.x)
    return np.asarray(weights / weights.sum())


def is_credibly_better(losses_a: FloatArray, losses_b: FloatArray, groups: IntArray) -> bool:
    """Whether a's paired mean loss is lower than b's by more than one standard error over groups."""
    return _lead(losses_a, losses_b, groups) > 1


def may_become_better(losses_a: FloatArray, losses_b: FloatArray, groups: IntArray, *, share: float) -> bool:
    """Whether a could still be credibly better than b once all items are seen, when this `share` of them is, in (0, 1].

    The lead that is seen grows by one standard error, for it may be bad luck, and then with the root of the items: where even
    that would not be credible, to go on is futile (Lan, Simon and Halperin, Stochastically curtailed tests, 1982).
    """
    return (_lead(losses_a, losses_b, groups) + 1) / math.sqrt(share) > 1


def _lead(losses_a: FloatArray, losses_b: FloatArray, groups: IntArray) -> float:
    """How many standard errors over groups a's paired mean loss is lower than b's; 0 for one group, which has no such error."""
    difference = np.bincount(np.unique(groups, return_inverse=True)[1], weights=losses_b - losses_a)
    if len(difference) < 2:
        return 0.0
    total, spread = float(difference.sum()), math.sqrt(float(np.square(difference - difference.mean()).sum()))
    if spread > 0:
        return total / spread
    return math.copysign(math.inf, total) if total else 0.0
