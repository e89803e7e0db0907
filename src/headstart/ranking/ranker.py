"""Ranker: a way to predict how well a source will do on labeled items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class Rating:
    """A ranker's result for one source.

    Attributes
    ----------
    value : higher is better; comparable between sources on the same items, not between rankers
    outputs : shape (n, k), held-out outputs if the ranker makes them, for any metric and interval; else None
    by_item : shape (n,), contributions of the items whose mean is `value`, for paired comparisons; None if there are none
    """

    value: float
    outputs: FloatArray | None = None
    by_item: FloatArray | None = None


class Ranker(Protocol):
    """Frozen settings with one method; one file each, registered by an entry point of the group `headstart.rankers`."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def score_source(self, problem: Problem, card: Card) -> Rating:
        """Score a source from the features, targets, groups and task of a problem; only the prior reads the card."""
        ...
