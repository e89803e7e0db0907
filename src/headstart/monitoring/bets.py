"""Bets against "nothing changed": a running product for each that grows only if something did (Shiryaev-Roberts e-detectors).

A bet on a uniform rank p multiplies by 1 + λ (g(p) - E g), which is 1 on average. M ← (M + 1)(1 + λ (g - E g)) is then, on average,
the number of records, so that any weighted mean of such M reaches c no sooner than after c records on average, and the expected
number of alarms in n records is at most n / c, if each starts M anew.

References
----------
Shin, Ramdas and Rinaldo, E-detectors: a nonparametric framework for sequential change detection, 2022 (arXiv:2203.03532).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray

Kind = Literal["loss", "value"]
"""A loss is bet on to rise; a value to rise, fall, spread out or draw together."""

_FRACTIONS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)  # of the largest λ that leaves every factor positive
_TAILS = (0.3, 0.1, 0.03, 0.01)
_LARGEST = 1e300


@dataclass(frozen=True)
class Bet:
    """A shape and a direction, with λ; `weight` by kind of member, together 1."""

    shape: int
    mean: float
    rate: float
    direction: str
    weights: tuple[float, float]  # of a loss, of a value


def _shapes(ranks: FloatArray) -> FloatArray:
    """The shapes of ranks (n,), shape (n, n_shapes): the rank, its distance from the middle, upper tails, lower tails."""
    p = ranks[:, None]
    tails = np.array(_TAILS)
    return np.concatenate([p, np.abs(2 * p - 1), p > 1 - tails, p < tails], axis=1)


@cache
def all_bets() -> tuple[Bet, ...]:
    """Half the weight of a value is on its place, the rest on its spread and its tails; a loss has no bets on less."""
    n, grid = len(_TAILS), len(_FRACTIONS)
    made = [
        (0, 0.5, +1, "higher", 0.5, 0.25), (0, 0.5, -1, "lower", 0.0, 0.25),
        (1, 0.5, +1, "spread out", 0.0, 0.1), (1, 0.5, -1, "drawn together", 0.0, 0.1),
        *((2 + i, tail, +1, "higher", 0.5 / n, 0.15 / n) for i, tail in enumerate(_TAILS)),
        *((2 + n + i, tail, +1, "lower", 0.0, 0.15 / n) for i, tail in enumerate(_TAILS)),
    ]  # fmt: skip
    return tuple(
        Bet(shape, mean, sign * part / (mean if sign > 0 else 1 - mean), said, (loss / grid, value / grid))
        for shape, mean, sign, said, loss, value in made
        for part in _FRACTIONS
    )


class Bets:
    """The running products of members side by side.

    Parameters
    ----------
    kinds : of the members

    Attributes
    ----------
    products : shape (n_members, n_bets), the M of each bet
    runs : the largest product over starting points of each bet (a CUSUM), which dates the change
    starts : the value, counted from 0, with which that run began
    n_values : shape (n_members,), how many values each member had
    """

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        bets = all_bets()
        self.kinds = kinds
        self._shape = np.array([bet.shape for bet in bets])
        self._mean, self._rate = (np.array([getattr(bet, name) for bet in bets]) for name in ("mean", "rate"))
        self.weights: FloatArray = np.array([[bet.weights[kind == "value"] for bet in bets] for kind in kinds]).reshape(
            len(kinds), len(bets)
        )
        self.products: FloatArray = np.zeros(self.weights.shape)
        self.runs: FloatArray = np.ones(self.weights.shape)
        self.starts: FloatArray = np.zeros(self.weights.shape)
        self.n_values: FloatArray = np.zeros(len(kinds))

    def step(self, ranks: FloatArray) -> FloatArray:
        """Bet on one rank of each member, shape (n_members,), NaN where it has none; give the e-value of each member."""
        is_there = ~np.isnan(ranks)
        factors = 1 + self._rate * (_shapes(np.where(is_there, ranks, 0.5))[:, self._shape] - self._mean)
        there = is_there[:, None]
        self.products = np.where(there, np.minimum((self.products + 1) * factors, _LARGEST), self.products)
        begins = there & (self.runs < 1)
        self.starts = np.where(begins, self.n_values[:, None], self.starts)
        self.runs = np.where(there, np.minimum(np.maximum(self.runs, 1) * factors, _LARGEST), self.runs)
        self.n_values = self.n_values + is_there
        return self.values()

    def values(self) -> FloatArray:
        """The e-value of each member, shape (n_members,)."""
        return (self.products * self.weights).sum(axis=1)

    def finding(self, member: int) -> tuple[str, int]:
        """Say in which direction a member moved, and with which of its values that began, by its strongest bet."""
        evidence = self.products[member] * self.weights[member]
        strongest = int(np.argmax(evidence))
        best: dict[str, float] = {}
        for bet, one in zip(all_bets(), evidence, strict=True):
            best[bet.direction] = max(best.get(bet.direction, 0.0), float(one))
        direction = all_bets()[strongest].direction
        opposite = {"higher": "lower", "lower": "higher"}.get(direction, "")
        if opposite and best[opposite] > max(10.0, best[direction] ** 0.25):  # both tails grew
            direction = "spread out"
        return direction, int(self.starts[member, strongest])

    def start_anew(self) -> None:
        """After an alarm: nothing is held against the stream so far."""
        self.products = np.zeros_like(self.products)
        self.runs = np.ones_like(self.runs)
        self.starts = np.repeat(self.n_values[:, None], self.products.shape[1], axis=1)
