"""Links: how a head's scores become outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray

Link = Literal["softmax", "sigmoid", "identity"]


def apply_link(scores: FloatArray, link: Link) -> FloatArray:
    """Scores (n, k) become outputs (n, k): probabilities that sum to one, separate probabilities, or values."""
    if link == "identity":
        return scores
    if link == "sigmoid":
        return 1.0 / (1.0 + np.exp(-np.clip(scores, -500, 500)))
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
