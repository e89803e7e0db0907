"""Prior: how well a source did on other tasks, before looking at the data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.heads.problem import Problem
    from headstart.sources import Card


@cache
def _measured() -> dict[str, float]:
    points: dict[str, float] = tomllib.loads(files("headstart.ranking").joinpath("prior.toml").read_text("utf-8"))[
        "points"
    ]
    return points


@dataclass(frozen=True, kw_only=True)
class Prior:
    """How far a source was below the best of its modality on the real tasks of `bench/quality/ranking.py`.

    Attributes
    ----------
    points : by the source's name, percentage points of the headline metric; the median for a source that is missing
    """

    name: str = "prior"
    points: Mapping[str, float] = field(default_factory=_measured)

    def score_source(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """A fraction <= 0; the data is not used."""
        return Rating(value=self.of(card.name))

    def of(self, name: str) -> float:
        """The same, by the source's name."""
        return self.points.get(name, float(np.median(list(self.points.values())))) / 100
