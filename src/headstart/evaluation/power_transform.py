"""PowerTransform: each column bent until it is as close to a normal distribution as a power can make it.

Yeo and Johnson, A new family of power transformations to improve normality or symmetry, Biometrika 2000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder

_LOWEST, _HIGHEST = -4.0, 6.0
_N_STEPS = 30  # each leaves 0.618 of the range: down to 1e-5
_IS_LOGARITHM = (
    1e-2  # powers nearer to zero are the logarithm: their quotient would lose its digits in single precision
)


@dataclass(frozen=True, kw_only=True)
class PowerTransform:
    """Of d columns.

    Attributes
    ----------
    power : shape (d,), 1 leaves a column as it is; never within 0.01 of 0 or 2 but at them
    mean, deviation : of the transformed columns, shape (d,)
    """

    power: FloatArray
    mean: FloatArray
    deviation: FloatArray

    def apply(self, x: FloatArray) -> FloatArray:
        """Values (n, d), transformed and standardized, in the precision that they have."""
        power, mean, deviation = (one.astype(x.dtype) for one in (self.power, self.mean, self.deviation))
        return (_bent(x, power) - mean) / deviation

    def extend(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes of `apply`."""
        power = self.power.astype(np.float32)
        one = graph.constant(np.float32(1))
        logarithm = graph.op("Log", graph.op("Add", graph.op("Abs", x), one))
        is_negative = graph.op("Less", x, graph.constant(np.float32(0)))
        sides = []
        for exponent in (power, 2 - power):
            divisor = graph.constant(np.where(exponent == 0, 1, exponent).astype(np.float32))
            grown = graph.op("Exp", graph.op("Mul", logarithm, graph.constant(exponent.astype(np.float32))))
            bent = graph.op("Div", graph.op("Sub", grown, one), divisor)
            sides.append(graph.op("Where", graph.constant(exponent == 0), logarithm, bent))
        bent = graph.op("Where", is_negative, graph.op("Neg", sides[1]), sides[0])
        mean, deviation = (graph.constant(part.astype(np.float32)) for part in (self.mean, self.deviation))
        return graph.op("Div", graph.op("Sub", bent, mean), deviation)


def fit_power(x: FloatArray) -> PowerTransform:
    """Find the power of greatest likelihood of each column of x, shape (n, d), NaN where a value is missing."""
    logarithm = np.sign(x) * np.log1p(np.abs(x))
    total, n = np.nansum(logarithm, axis=0), np.maximum((~np.isnan(x)).sum(axis=0), 1)

    def loss(power: FloatArray) -> FloatArray:
        spread = np.nanvar(_bent(x, power), axis=0)
        value: FloatArray = n / 2 * np.log(np.maximum(spread, 1e-300)) - (power - 1) * total
        return value

    power = _lowest(loss, x.shape[1])
    for centre in (0.0, 2.0):
        power = np.where(np.abs(power - centre) < _IS_LOGARITHM, centre, power)
    bent = _bent(x, power)
    mean, deviation = np.nanmean(bent, axis=0), np.nanstd(bent, axis=0)
    is_sound = np.isfinite(deviation) & (deviation > 1e-9)
    return PowerTransform(
        power=np.where(is_sound, power, 1.0),
        mean=np.where(is_sound, mean, 0.0),
        deviation=np.where(is_sound, deviation, 1.0),
    )


def _bent(x: FloatArray, power: FloatArray) -> FloatArray:
    logarithm = np.log1p(np.abs(x))
    sides = []
    for exponent in (power, 2 - power):
        divisor = np.where(exponent == 0, 1, exponent).astype(x.dtype)
        sides.append(np.where(exponent == 0, logarithm, (np.exp(logarithm * exponent) - 1) / divisor))
    return np.where(x < 0, -sides[1], sides[0])


def _lowest(loss: Callable[[FloatArray], FloatArray], d: int) -> FloatArray:
    """Golden-section search, all columns at once."""
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.full(d, _LOWEST), np.full(d, _HIGHEST)
    for _ in range(_N_STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        is_left = loss(left) < loss(right)
        low, high = np.where(is_left, low, left), np.where(is_left, right, high)
    middle: FloatArray = (low + high) / 2
    return middle
