"""Semantic columns: categories whose levels are words, so that a sentence encoder can read their names as texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.data.modalities import get_modality
from headstart.sources import cards
from headstart.sources.fetching import is_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset

ENCODERS = ("potion-base-8m", "wordllama-256")
"""Static ones, the quickest there are; the first that is in the cache is tried where none was named."""
_MOST_ROWS, _MOST_COLUMNS = 20_000, 4  # features of a column are a KiB a row, held at once
_FEWEST_LEVELS = 20
_FEWEST_LETTERS = 4  # one after the other, which abbreviations and codes have not
_SHARE = 0.8  # of the levels


def encoder_at_hand() -> str | None:
    """Name the encoder that is tried unasked; None if none is in the cache: nothing is fetched for a try."""
    known = {card.name: card for card in cards()}
    return next((name for name in ENCODERS if name in known and is_kept(known[name])), None)


def semantic_columns(dataset: Dataset) -> list[str]:
    """Name the fields of rows that hold categories whose levels are words, at most four, in the order of the fields.

    Of many rows there are none: codes of the levels can be learned from these.
    """
    if len(dataset.fields) == 1 or len(dataset) > _MOST_ROWS:
        return []
    fields = [field.name for field in dataset.fields if get_modality(field.modality).also_read_as]
    return [name for name in fields if has_word_levels(dataset.values_of(name))][:_MOST_COLUMNS]


def has_word_levels(values: Sequence[Any]) -> bool:
    """Whether categories have at least 20 levels, most of which hold a word of at least four letters.

    >>> has_word_levels([f"{trade} of {place}" for trade in ("baker", "cook", "smith", "nurse") for place in "abcde"])
    True
    >>> has_word_levels([f"ICD-{i}" for i in range(50)])
    False
    """
    levels = {str(value) for value in values if value}
    n_words = sum(map(_has_word, levels))
    return len(levels) >= _FEWEST_LEVELS and n_words >= _SHARE * len(levels)


def as_source_reads(dataset: Dataset, field: str) -> Dataset:
    """Give the dataset as if it had this field alone, its categories as texts, as sources know no categories."""
    alone = dataset.only_field(field)
    (one,) = alone.fields
    read_as = get_modality(one.modality).also_read_as
    if read_as is None:
        return alone
    pack = get_modality(read_as).pack
    return replace(
        alone,
        modality=read_as,
        fields=(replace(one, modality=read_as),),
        items=pack(alone.items),
        unlabelled=pack(alone.unlabelled) if alone.unlabelled else (),
    )


def _has_word(level: str) -> bool:
    letters = "".join(character if character.isalpha() else " " for character in level)
    return any(len(word) >= _FEWEST_LETTERS for word in letters.split())
