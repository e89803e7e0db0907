"""Blend: a non-negative weighted mean of the outputs of several heads, fitted to held-out predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

_MIN_WEIGHT = 0.05


def blend_weights(outputs: Sequence[FloatArray], targets: FloatArray, task: TaskSpec) -> FloatArray:
    """Weights >= 0 that sum to one and minimize the mean loss of the weighted outputs, shape (n_heads,).

    Weights under 0.05 are dropped: they cost a head and change almost nothing.
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
    weights = np.where(found.x < _MIN_WEIGHT, 0.0, found.x)
    return np.asarray(weights / weights.sum())
