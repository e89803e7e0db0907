"""Rank: predict which source transfers best to some data."""

from headstart.ranking.candidates import candidates_by_field, split_assignment
from headstart.ranking.halving import Halving
from headstart.ranking.limits import Limits
from headstart.ranking.rank import rank, source_cards
from headstart.ranking.result import Ranked, Ranking, join_rankings
from headstart.ranking.suitability import Suitability, inspect_sources, with_domain_shifts
from headstart.ranking.word_levels import as_source_reads, encoder_at_hand, semantic_columns

__all__ = [
    "Halving",
    "Limits",
    "Ranked",
    "Ranking",
    "Suitability",
    "as_source_reads",
    "candidates_by_field",
    "encoder_at_hand",
    "inspect_sources",
    "join_rankings",
    "rank",
    "semantic_columns",
    "source_cards",
    "split_assignment",
    "with_domain_shifts",
]
