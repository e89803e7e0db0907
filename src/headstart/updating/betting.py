"""Betting: a paired sequential test that may be looked at after every record.

A gambler bets against "the challenger's loss is, on average and given all that came before, at least the champion's". Each stake λ makes a
wealth `Π (1 + λ d)` of the differences d of losses in [0, 1], which under that hypothesis does not grow in the mean; so does the
mean of the wealths of several stakes. By Ville's inequality it ever reaches 1/level with a probability of at most `level`, however often it is
looked at and whenever one stops. Nothing is assumed about the distribution of the differences.

References
----------
Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 2024.
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics 2024.
Ville, Étude critique de la notion de collectif, 1939.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import InternalError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

INTERVAL_LEVEL = 0.05
_NARROWEST_AT = 500  # records at which the interval is as narrow as one of its kind can be
STAKES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)


@dataclass(frozen=True, kw_only=True)
class Bet:
    """The test after some records; adding records gives the next one.

    Attributes
    ----------
    level : probability of ever rejecting a true hypothesis, in (0, 1)
    logs : logarithm of each stake's wealth
    largest : logarithm of the largest wealth so far, by which the level holds
    n : records
    total, squares : sums of the differences, and of their squares
    """

    level: float
    logs: tuple[float, ...] = (0.0,) * len(STAKES)
    largest: float = 0.0
    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise OptionError(f"the level of a test lies between 0 and 1, and {self.level} came.")

    def after(self, differences: FloatArray | Iterable[float]) -> Bet:
        """Count differences of losses, positive where the second model is better, shape (n,), in [-1, 1], in their order."""
        d = np.asarray(list(differences), np.float64)
        if not (np.abs(d) <= 1).all():
            raise InternalError("differences of losses must lie in [-1, 1]")
        if not len(d):
            return self
        paths = np.array(self.logs) + np.cumsum(np.log1p(np.outer(d, STAKES)), axis=0)
        means = _log_mean(paths)
        return Bet(
            level=self.level,
            logs=tuple(paths[-1].tolist()),
            largest=max(self.largest, float(means.max())),
            n=self.n + len(d),
            total=self.total + float(d.sum()),
            squares=self.squares + float(np.square(d).sum()),
        )

    def first_shown(self, differences: FloatArray) -> int | None:
        """After how many of these differences, more than those so far, it is shown; None where it is not."""
        shown = np.flatnonzero(_log_mean(np.array(self.logs) + np.cumsum(np.log1p(np.outer(differences, STAKES)), axis=0))
                               >= -np.log(self.level))  # fmt: skip
        return int(shown[0]) + 1 if len(shown) else None

    @property
    def is_shown(self) -> bool:
        """Whether the second model is better, at the level, and still is in the mean of all records."""
        return self.largest >= -float(np.log(self.level)) and self.mean > 0

    @property
    def evidence(self) -> float:
        """The largest wealth so far; it is shown from 1/level on."""
        return float(np.exp(min(self.largest, 700.0)))

    @property
    def mean(self) -> float:
        """Of the differences; 0 of none."""
        return self.total / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean, at 95 % for all numbers of records at once, so that it may be looked at at any time; for many records (asymptotic)."""
        if self.n < 2:
            return -1.0, 1.0
        variance = max(0.0, (self.squares - self.n * self.mean**2) / (self.n - 1))
        wanted = -2 * np.log(INTERVAL_LEVEL)
        grown = self.n * (wanted + np.log(wanted) + 1) / _NARROWEST_AT
        half = np.sqrt(variance * 2 * (grown + 1) / (self.n * grown) * np.log(np.sqrt(grown + 1) / INTERVAL_LEVEL))
        return float(max(-1.0, self.mean - half)), float(min(1.0, self.mean + half))


def bounded_losses(outputs: FloatArray, targets: FloatArray, task: TaskSpec, *, scale: float = 1.0) -> FloatArray:
    """A loss in [0, 1] for each item, shape (n,).

    Of probabilities the Brier score: half the squared distance to the label, or the mean over labels that may occur together. Of values the absolute
    error, as a share of `scale` and at most 1.

    Parameters
    ----------
    outputs, targets : shape (n, k)
    scale : > 0, in the target's unit; not read of probabilities
    """
    errors = np.asarray(outputs, np.float64) - targets
    if not task.has_probabilities:
        return np.asarray(np.minimum(np.abs(errors).mean(axis=1) / scale, 1.0))
    squares = np.square(errors)
    losses = squares.sum(axis=1) / 2 if task.is_single_label else squares.mean(axis=1)
    return np.asarray(np.minimum(losses, 1.0))


def _log_mean(paths: FloatArray) -> FloatArray:
    """The logarithm of the mean wealth after each record, shape (n,)."""
    largest = paths.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(paths - largest).mean(axis=1)))
