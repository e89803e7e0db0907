"""What a source was worth: how many of the target's own rows reach, without it, what ships with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Bound = Literal["about", "at least", "at most", "unknown"]


@dataclass(frozen=True, kw_only=True)
class SourceWorth:
    """Rows of the target that a source stands for.

    Attributes
    ----------
    n_rows : that target-only needs to reach what ships; 0 where that is not known
    bound : whether it was measured, or is the end of what was measured
    n_given : rows of the target that what ships learned from
    """

    n_rows: int
    bound: Bound
    n_given: int

    @property
    def is_positive(self) -> bool:
        """Whether more rows than the given ones would be needed without the source."""
        return self.bound == "at least" or (self.bound == "about" and self.n_rows > self.n_given)

    @property
    def sentence(self) -> str:
        """For people.

        >>> SourceWorth(n_rows=700, bound="about", n_given=100).sentence
        'The source was worth rows: about 700 rows of the target reach without it what the 100 given ones reach with it.'
        """
        if self.bound == "unknown":
            return "What the source was worth in rows is not known: the target alone gave no learning curve."
        if self.bound == "at most":
            return (
                f"The source was worth no rows: without it, {self.n_rows:,} rows of the target already do as well as the "
                f"{self.n_given:,} given ones with it."
            )
        if self.bound == "about" and self.n_rows <= self.n_given:
            return (
                f"The source was worth no rows: without it, about {self.n_rows:,} rows of the target do as well as the "
                f"{self.n_given:,} given ones with it."
            )
        count = f"more than {self.n_rows:,}" if self.bound == "at least" else f"about {self.n_rows:,}"
        verb = "would be needed to" if self.bound == "at least" else ""
        reach = f"{verb} reach" if verb else "reach"
        return (
            f"The source was worth rows: {count} rows of the target {reach} without it what the {self.n_given:,} given ones "
            "reach with it."
        )


def source_worth(
    points: Sequence[Mapping[str, Any]], shipped: float, *, n_given: int, higher_is_better: bool = True
) -> SourceWorth:
    """Read off the learning curve of target-only where it reaches what ships.

    The curve is made monotone first (weighted by nothing: each point the same), and is read linearly in the logarithm of the number
    of rows. Nothing is extrapolated: outside the measured range the answer is a bound.

    Parameters
    ----------
    points : {"n_items", "value"}, as of `LearningCurve`, of models without the source
    shipped : value of the same metric on the same held-out items
    """
    sign = 1.0 if higher_is_better else -1.0
    known = sorted((int(one["n_items"]), sign * float(one["value"])) for one in points if math.isfinite(one["value"]))
    if not known or not math.isfinite(shipped):
        return SourceWorth(n_rows=0, bound="unknown", n_given=n_given)
    sizes, values = np.array([n for n, _ in known], float), monotone(np.array([v for _, v in known]))
    wanted = sign * shipped
    if wanted <= values[0]:
        return SourceWorth(n_rows=int(sizes[0]), bound="at most", n_given=n_given)
    if wanted > values[-1]:
        return SourceWorth(n_rows=int(sizes[-1]), bound="at least", n_given=n_given)
    i = int(np.searchsorted(values, wanted))
    share = (wanted - values[i - 1]) / (values[i] - values[i - 1])
    rows = math.exp(math.log(sizes[i - 1]) + share * (math.log(sizes[i]) - math.log(sizes[i - 1])))
    return SourceWorth(n_rows=_rounded(rows), bound="about", n_given=n_given)


def monotone(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The closest values that never decrease (pool adjacent violators).

    >>> monotone(np.array([1.0, 3.0, 2.0, 4.0])).tolist()
    [1.0, 2.5, 2.5, 4.0]
    """
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = float(value), 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, n = pools.pop()
            total, count = total + before, count + n
        pools.append((total, count))
    return np.concatenate([np.full(count, total / count) for total, count in pools])


def _rounded(rows: float) -> int:
    """To two significant digits: the curve is not more precise.

    >>> _rounded(199.99), _rounded(1234.0)
    (200, 1200)
    """
    digits = 10 ** max(0, math.floor(math.log10(max(rows, 1.0))) - 1)
    return round(rows / digits) * digits
