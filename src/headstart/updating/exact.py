"""Exact updates of a linear head: one label added, forgotten or aged in O(d²), equal to a refit on the rows that are left."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import InternalError, OptionError
from headstart.core.moments import Moments

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray

RESOLVE_EVERY = 2000
"""Updates after which the inverse is computed anew from the Moments, so that rounding errors do not grow."""
_LEAST_SHARE = 0.5  # of the penalty that decay may leave before it is restored
_TOO_NEAR = 1e-8  # a downdate whose pivot is smaller loses more digits than it saves


class RunningRidge:
    """Ridge on Moments that follows single labels.

    The inverse of `scatter + penalty * I` is changed by a term of rank one with each label (Sherman and Morrison), and computed anew
    after `RESOLVE_EVERY` changes. Decay ages the penalty with the rows, as in recursive least squares; once half of it is left, the
    whole is restored with a solve from the Moments. So `coef` is at every time what a refit with `penalty_now` gives.

    Parameters
    ----------
    moments : of the rows so far; weight > 0
    penalty : > 0, added to the diagonal of the scatter

    Attributes
    ----------
    penalty_now : the penalty that counts now; `penalty` unless rows were aged

    References
    ----------
    Hager, Updating the inverse of a matrix, SIAM Review 1989.

    Examples
    --------
    >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> head = RunningRidge(Moments.of(x[:2], y[:2]), penalty=0.5)
    >>> head.add(x[2], y[2])
    >>> head.coef.round(3).tolist()
    [[0.8]]
    """

    def __init__(self, moments: Moments, *, penalty: float) -> None:
        if not penalty > 0:
            raise OptionError(f"the penalty of a running ridge is above 0, and {penalty} came.")
        self.penalty = self.penalty_now = float(penalty)
        self._moments = moments
        self._n_changes = 0
        self.resolve()

    @property
    def moments(self) -> Moments:
        """Of the rows that count."""
        return self._moments

    @property
    def coef(self) -> FloatArray:
        """Shape (d, k)."""
        return np.asarray(self._inverse @ self._moments.cross)

    @property
    def intercept(self) -> FloatArray:
        """Shape (k,)."""
        return np.asarray(self._moments.target_mean - self._moments.mean @ self.coef)

    def scores(self, features: FloatArray) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray((features - self._moments.mean) @ self.coef + self._moments.target_mean)

    def add(self, features: FloatArray, targets: FloatArray, weight: float = 1.0) -> None:
        """Count one more row: features (d,), targets (k,)."""
        self._change(features, targets, weight)

    def forget(self, features: FloatArray, targets: FloatArray, weight: float = 1.0) -> None:
        """Take out a row that was counted with this weight."""
        self._change(features, targets, -weight)

    def decay(self, factor: float) -> None:
        """Count every row so far, and the penalty, `factor` times, in (0, 1]."""
        if not 0 < factor <= 1:
            raise OptionError(f"a decay is above 0 and at most 1, and {factor} came.")
        self._moments = self._moments.scaled(factor)
        self._inverse /= factor
        self.penalty_now *= factor
        if self.penalty_now < _LEAST_SHARE * self.penalty:
            self.penalty_now = self.penalty
            self.resolve()

    def resolve(self) -> None:
        """Compute the inverse anew, O(d³)."""
        whole = self._moments.scatter + self.penalty_now * np.eye(len(self._moments.mean))
        self._inverse = np.linalg.inv((whole + whole.T) / 2)
        self._n_changes = 0

    def _change(self, features: FloatArray, targets: FloatArray, weight: float) -> None:
        before, x, y = self._moments, np.asarray(features, np.float64), np.asarray(targets, np.float64)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise InternalError("a row of a running ridge is not finite")
        total = before.weight + weight
        if total <= 0:
            raise InternalError(f"forgetting a row of weight {-weight} of {before.weight} leaves none")
        between = weight * before.weight / total
        step, target_step = x - before.mean, y - before.target_mean
        self._moments = replace(
            before,
            weight=total,
            mean=before.mean + weight / total * step,
            scatter=before.scatter + np.multiply.outer(between * step, step),
            target_mean=before.target_mean + weight / total * target_step,
            cross=before.cross + np.multiply.outer(between * step, target_step),
            target_scatter=before.target_scatter + between * np.square(target_step),
        )
        self._n_changes += 1
        toward = self._inverse @ step
        pivot = 1.0 + between * float(step @ toward)
        if pivot < _TOO_NEAR or self._n_changes >= RESOLVE_EVERY:
            self.resolve()
        else:
            self._inverse -= np.multiply.outer(between / pivot * toward, toward)


@dataclass
class SlidingRidge:
    """A running ridge of the last rows alone.

    Attributes
    ----------
    head : what counts now
    size : most rows that count
    """

    head: RunningRidge
    size: int
    _rows: deque[tuple[FloatArray, FloatArray]] = field(default_factory=deque, repr=False)

    @classmethod
    def of(cls, features: FloatArray, targets: FloatArray, *, penalty: float, size: int) -> SlidingRidge:
        """Start with rows, shapes (n, d) and (n, k), n >= 1; the last `size` >= 1 of them count."""
        if size < 1:
            raise OptionError(f"a window holds 1 row or more, and {size} came.")
        x, y = np.asarray(features, np.float64)[-size:], np.asarray(targets, np.float64)[-size:]
        head = RunningRidge(Moments.of(x, y), penalty=penalty)
        return cls(head, size, deque(zip(x, y, strict=True)))

    def add(self, features: FloatArray, targets: FloatArray) -> None:
        """Count a row, and forget the oldest where there are too many."""
        self.head.add(features, targets)
        self._rows.append((np.array(features, np.float64), np.array(targets, np.float64)))
        if len(self._rows) > self.size:
            self.head.forget(*self._rows.popleft())
