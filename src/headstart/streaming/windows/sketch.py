"""Sketch: counts of numbers in bins of equal ratio, for quantiles to within one percent.

It is the same in whatever order numbers came, and sketches add exactly, so that windows of several workers are those of one.

References
----------
Masson, Rim and Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees, VLDB 2019.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

ACCURACY = 0.01
_RATIO = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_RATIO = math.log(_RATIO)
_SMALLEST = 1e-9  # what is nearer to 0 counts as 0
_FIRST = math.ceil(math.log(_SMALLEST) / _LOG_RATIO) - 1  # so that bins of positive numbers begin at 1


@dataclass
class Sketch:
    """Counts of finite numbers.

    Attributes
    ----------
    counts : by bin
    """

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """Count one number."""
        self.counts[_bin(value)] += 1

    def merge(self, other: Sketch) -> None:
        """Count those of another too."""
        self.counts.update(other.counts)

    def quantile(self, q: float) -> float | None:
        """Give the number at a share of the way from the smallest to the largest, to within one percent of it; None of none.

        >>> sketch = Sketch()
        >>> for value in range(1, 102):
        ...     sketch.add(value)
        >>> 50.4 < sketch.quantile(0.5) < 51.6
        True
        """
        total = sum(self.counts.values())
        rank = q * (total - 1)
        seen = 0
        for place in sorted(self.counts):
            seen += self.counts[place]
            if seen > rank:
                return _middle(place)
        return None


def _bin(value: float) -> int:
    """0 for 0, 1 and more for positive numbers, -1 and less for negative ones."""
    if abs(value) < _SMALLEST:
        return 0
    place = math.ceil(math.log(abs(value)) / _LOG_RATIO) - _FIRST
    return place if value > 0 else -place


def _middle(place: int) -> float:
    if place == 0:
        return 0.0
    power = abs(place) + _FIRST
    return math.copysign(2 * _RATIO**power / (_RATIO + 1), place)
