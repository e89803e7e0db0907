"""Rank: predict which source transfers best to some data."""

from headstart.ranking.halving import Halving
from headstart.ranking.limits import Limits
from headstart.ranking.rank import rank, source_cards
from headstart.ranking.result import Ranked, Ranking
from headstart.ranking.suitability import Suitability, inspect_sources, with_domain_shifts

__all__ = [
    "Halving",
    "Limits",
    "Ranked",
    "Ranking",
    "Suitability",
    "inspect_sources",
    "rank",
    "source_cards",
    "with_domain_shifts",
]
