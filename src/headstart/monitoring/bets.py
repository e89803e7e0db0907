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
    from headstart.core.arrays import BoolArray, FloatArray

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """What bets would be after each of some rows.

    Attributes
    ----------
    is_there : shape (n, n_members), whether a member has a rank
    products, runs : shape (n, n_members, n_bets)
    values : shape (n, n_members), the e-values
    """

    is_there: BoolArray
    products: FloatArray
    runs: FloatArray
    values: FloatArray


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

    def ahead(self, ranks: FloatArray) -> Steps:
        """Bet on ranks, shape (n, n_members), one row after the other, NaN where a member has none; nothing is changed before `go`."""
        is_there: BoolArray = np.logical_not(np.isnan(ranks))
        shapes = _shapes(np.where(is_there, ranks, 0.5).ravel())
        factors = (1 + self._rate * (shapes[:, self._shape] - self._mean)).reshape(*ranks.shape, -1)
        all_there = np.asarray(is_there.all(axis=1))
        states, state = np.empty((len(ranks), 2, *self.products.shape)), np.stack([self.products, self.runs])
        for place, now in enumerate(states):  # in place, since this is what a watch spends its time on
            np.add(state[0], 1, out=now[0])
            np.maximum(state[1], 1, out=now[1])
            np.multiply(now, factors[place], out=now)
            np.minimum(now, _LARGEST, out=now)
            if not all_there[place]:
                np.copyto(now, state, where=~is_there[place, :, None])
            state = now
        products, runs = states[:, 0], states[:, 1]
        return Steps(is_there=is_there, products=products, runs=runs, values=(products * self.weights).sum(axis=2))

    def go(self, steps: Steps, n: int) -> None:
        """Take the first `n` of the steps ahead."""
        if not n:
            return
        is_there = steps.is_there[:n]
        runs_before = np.concatenate([self.runs[None], steps.runs[: n - 1]])
        begins = is_there[:, :, None] & (runs_before < 1)
        last = n - 1 - np.argmax(begins[::-1], axis=0)
        n_had = self.n_values + np.cumsum(is_there, axis=0) - is_there
        self.starts = np.where(begins.any(axis=0), n_had[last, np.arange(len(self.kinds))[:, None]], self.starts)
        self.products, self.runs = steps.products[n - 1].copy(), steps.runs[n - 1].copy()
        self.n_values = self.n_values + is_there.sum(axis=0)

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
