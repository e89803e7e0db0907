"""RankCurve: values to the normal scores of their ranks, along straight lines between a few knots.

Bartlett, The use of transformations, Biometrics 1947 (ranks as normal deviates).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.arithmetic import Value

_NEAREST = 1e-30  # knots that are nearer count as one: the line between them would be too steep for single precision


@dataclass(frozen=True, kw_only=True)
class RankCurve:
    """A curve a column, of straight pieces; flat outside of them.

    Attributes
    ----------
    low, high : where each piece begins and ends, shape (d, n_pieces), float32
    slope : of each piece, shape (d, n_pieces), float32; pieces that are not needed have none
    base : the score left of all pieces, shape (d,), float32
    """

    low: FloatArray
    high: FloatArray
    slope: FloatArray
    base: FloatArray

    def ranks(self, columns: FloatArray) -> FloatArray:
        """Normal scores of values without gaps, shape (n, d)."""
        found = np.empty(columns.shape, np.float32)
        for j, base in enumerate(self.base):
            rises = self.slope[j].astype(np.float64) * (self.high[j].astype(np.float64) - self.low[j])
            knots = np.append(self.low[j][:1], self.high[j])
            found[:, j] = np.interp(columns[:, j], knots, base + np.append(0, np.cumsum(rises)))
        return found

    def add_nodes(self, columns: Value) -> Value:
        """Add the nodes of `ranks` after a value of shape (batch, d)."""
        spread = columns.shaped(0, len(self.base), 1)
        risen = (spread.at_least(self.low).at_most(self.high) - self.low) * self.slope
        return risen.apply("ReduceSum", columns.typed("int64").constant([2]), keepdims=0) + self.base


def fit_rank_curve(given: Sequence[tuple[FloatArray, IntArray]], max_knots: int) -> RankCurve:
    """Fit curves.

    Parameters
    ----------
    given : of each column two or more distinct values, sorted, and how often each comes
    max_knots : of a curve; two or more
    """
    knots = [_knots(values, counts, max_knots) for values, counts in given]
    n_pieces = max((len(x) for x, _ in knots), default=2) - 1
    low, high, slope = (np.zeros((len(knots), n_pieces), np.float32) for _ in range(3))
    for j, (x, y) in enumerate(knots):
        n = len(x) - 1
        low[j], high[j] = x[-1], x[-1]  # of pieces that are not needed
        low[j, :n], high[j, :n] = x[:-1], x[1:]
        slope[j, :n] = np.diff(y) / np.maximum(np.diff(x), _NEAREST)
    return RankCurve(low=low, high=high, slope=slope, base=np.array([y[0] for _, y in knots], np.float32))


def _knots(values: FloatArray, counts: IntArray, max_knots: int) -> tuple[FloatArray, FloatArray]:
    """Values whose middle ranks have evenly spread normal scores, and these: long tails need knots as much as the middle does."""
    below = (np.cumsum(counts) - counts / 2) / counts.sum()  # share of values below each, half of the equal ones too
    normal = NormalDist()
    first, last = (normal.inv_cdf(float(below[end])) for end in (0, -1))
    wanted = [normal.cdf(score) for score in np.linspace(first, last, max_knots)]
    places = np.unique([0, *np.searchsorted(below, wanted[1:-1]), len(values) - 1])
    x = values[places].astype(np.float64)
    apart = [0, *(i for (_, a), (i, b) in pairwise(enumerate(x)) if b - a > _NEAREST)]
    scores = [normal.inv_cdf(float(below[place])) for place in places[apart]]
    return x[apart], np.array(scores)
