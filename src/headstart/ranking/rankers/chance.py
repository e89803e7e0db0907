"""Chance: a random number; the control that every other ranker has to beat."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class Chance:
    """Uniform in [0, 1), seeded by the problem and the source's name."""

    name: str = "chance"

    def score_source(self, problem: Problem, card: Card) -> Rating:
        """Draw a number; the same seed and source give the same one."""
        return Rating(value=float(np.random.default_rng([problem.seed, zlib.crc32(card.name.encode())]).random()))
