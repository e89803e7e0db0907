"""Losses of scores with their derivatives, for several weightings of the same items at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray


@dataclass(frozen=True)
class Evaluated:
    """A loss at some scores: per item, and what its derivatives need.

    Attributes
    ----------
    values : shape (f, n)
    gradient : shape (f, k, n), by the scores
    curvature : shape (f, k, n), the second derivative by each score alone
    """

    values: FloatArray
    gradient: FloatArray
    curvature: FloatArray


class ScoreLoss(Protocol):
    """A convex loss of the scores of an item."""

    def __call__(self, scores: FloatArray, targets: FloatArray) -> Evaluated:
        """Evaluate at scores (f, k, n), for targets (k, n): indicators."""
        ...


def softmax_loss(scores: FloatArray, targets: FloatArray) -> Evaluated:
    """Log loss of one class an item, nats."""
    top = scores.max(axis=1, keepdims=True)
    p = np.exp(scores - top)
    total = p.sum(axis=1, keepdims=True)
    values = (np.log(total) + top)[:, 0] - np.einsum("fkn,kn->fn", scores, targets)
    p /= total
    return Evaluated(values, p - targets, p * (1.0 - p))


def sigmoid_loss(scores: FloatArray, targets: FloatArray) -> Evaluated:
    """Log loss of each label, summed over the labels, nats."""
    p = 0.5 + 0.5 * np.tanh(0.5 * scores)
    values = (np.logaddexp(0.0, scores) - scores * targets).sum(axis=1)
    return Evaluated(values, p - targets, p * (1.0 - p))


def squared_hinge_loss(scores: FloatArray, targets: FloatArray) -> Evaluated:
    """Square of how far a score is below 1 on its side, one class against the rest, summed over the classes."""
    signs = 2.0 * targets - 1.0
    short = np.maximum(1.0 - signs * scores, 0.0)
    return Evaluated(np.square(short).sum(axis=1), -2.0 * signs * short, 2.0 * (short > 0.0))
