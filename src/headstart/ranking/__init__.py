"""Rank: which source will transfer best to this data, and why."""

from headstart.ranking.halving import Halving
from headstart.ranking.limits import Limits
from headstart.ranking.rank import candidates, rank
from headstart.ranking.result import Ranked, Ranking
from headstart.ranking.suitability import Suitability, inspect_sources, with_mismatches

__all__ = [
    "Halving",
    "Limits",
    "Ranked",
    "Ranking",
    "Suitability",
    "candidates",
    "inspect_sources",
    "rank",
    "with_mismatches",
]
