"""Moments: sufficient statistics of features and targets that add and subtract exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Weighted first and second moments of features (d) and targets (k).

    All are centered on the mean, so that a large offset costs no precision.

    Attributes
    ----------
    weight : sum of the weights; the number of rows if each weight is 1
    mean : shape (d,)
    scatter : shape (d, d), sum of w (x - mean)(x - mean)^T
    target_mean : shape (k,)
    cross : shape (d, k), sum of w (x - mean)(y - target_mean)^T
    target_scatter : shape (k,), sum of w (y - target_mean)^2

    References
    ----------
    Chan, Golub and LeVeque, Algorithms for computing the sample variance, The American Statistician 1983.

    Examples
    --------
    >>> x, y = np.array([[1.0], [2.0], [6.0]]), np.array([[0.0], [1.0], [5.0]])
    >>> total = Moments.of(x[:1], y[:1]) + Moments.of(x[1:], y[1:])
    >>> total.mean, total.scatter
    (array([3.]), array([[14.]]))
    """

    weight: float
    mean: FloatArray
    scatter: FloatArray
    target_mean: FloatArray
    cross: FloatArray
    target_scatter: FloatArray

    @classmethod
    def of(cls, features: FloatArray, targets: FloatArray, weights: FloatArray | None = None) -> Moments:
        """Summarise rows: features (n, d), targets (n, k), weights (n,) >= 0 with a positive sum."""
        x, y = np.asarray(features, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        total = float(w.sum())
        if total <= 0:
            raise InternalError(f"moments need a positive total weight, got {total} over {len(x)} rows")
        mean, target_mean = w @ x / total, w @ y / total
        root = np.sqrt(w)[:, None]
        x, y = root * (x - mean), root * (y - target_mean)
        return cls(
            weight=total,
            mean=mean,
            scatter=x.T @ x,
            target_mean=target_mean,
            cross=x.T @ y,
            target_scatter=np.square(y).sum(axis=0),
        )

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of rows together."""
        return self._combine(other, sign=1.0)

    def __sub__(self, other: Moments) -> Moments:
        """Moments of the rows of self without those of `other`, which must be among them."""
        return self._combine(other, sign=-1.0)

    def scaled(self, factor: float) -> Moments:
        """Count every row `factor` times (> 0): decay, or how much to trust another task's moments."""
        return Moments(
            weight=self.weight * factor,
            mean=self.mean,
            scatter=self.scatter * factor,
            target_mean=self.target_mean,
            cross=self.cross * factor,
            target_scatter=self.target_scatter * factor,
        )

    def arrays(self) -> dict[str, FloatArray]:
        """Every field as an array by name, float64."""
        return {name: np.asarray(value, dtype=np.float64) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, FloatArray]) -> Moments:
        """Inverse of `arrays`, also where the weight comes back from a file with an axis of its own."""
        return cls(
            **{name: arrays[name] for name in cls.__dataclass_fields__ if name != "weight"},
            weight=float(np.asarray(arrays["weight"]).item()),
        )

    def _combine(self, other: Moments, sign: float) -> Moments:
        weight = self.weight + sign * other.weight
        if weight <= 0:
            raise InternalError(
                f"subtracting rows of weight {other.weight} from rows of weight {self.weight} leaves none"
            )
        step, target_step = other.mean - self.mean, other.target_mean - self.target_mean
        share = sign * other.weight / weight
        between = sign * other.weight * self.weight / weight  # weight of the scatter between the two means
        return Moments(
            weight=weight,
            mean=self.mean + share * step,
            scatter=self.scatter + sign * other.scatter + between * np.outer(step, step),
            target_mean=self.target_mean + share * target_step,
            cross=self.cross + sign * other.cross + between * np.outer(step, target_step),
            target_scatter=self.target_scatter + sign * other.target_scatter + between * np.square(target_step),
        )
