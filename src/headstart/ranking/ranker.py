"""Ranker: one way of foretelling how well a source will do on some labelled items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What a ranker says of one source.

    Attributes
    ----------
    value : higher is better; comparable between sources on the same items, not between rankers
    outputs : shape (n, k), held-out outputs where the ranker makes them: any metric, interval and pairing can be had from
        them; else None
    by_item : shape (n,), what each item adds to `value`, their mean, where that can be said: two sources can be paired by it
    """

    value: float
    outputs: FloatArray | None = None
    by_item: FloatArray | None = None


class Ranker(Protocol):
    """Frozen settings and one verb; one file each, registered by an entry point of the group `headstart.rankers`."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""
        ...

    def score_source(self, problem: Problem, card: Card) -> Rating:
        """Rate a source by the features, targets, groups and task of a problem; only the prior looks at the card."""
        ...
