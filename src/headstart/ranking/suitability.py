"""Suitability: warnings about each source before embedding the data, and about the chosen one afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import HeadstartError
from headstart.features import embed
from headstart.ranking.rank import source_cards
from headstart.sources import FieldSource, JointSource, open_source
from headstart.sources.domain_shift import domain_shifts
from headstart.sources.fetching import is_kept
from headstart.sources.references import MOST_ITEMS, evenly

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, Notice
    from headstart.sources import AnySource, Card

_QUICK_GMACS = 5.0  # per item; more expensive sources are not run before they are chosen


@dataclass(frozen=True, kw_only=True)
class Suitability:
    """A source's known biases, and how the data differs from what it was trained on."""

    name: str
    known_bias: str
    warnings: tuple[str, ...]


def inspect_sources(dataset: Dataset) -> list[Suitability]:
    """Compare the dataset with the training data of each source of its modality.

    Fast and offline: 48 items are embedded with the sources that are cached and cheap to run; for the others, only checks
    without features are made.
    """
    return [
        Suitability(
            name=card.name if len(dataset.fields) == 1 else f"{card.name} on {read.fields[0].name}",
            known_bias=card.known_bias,
            warnings=tuple(notice.message for notice in domain_shifts(read.items, card, _features(read, card))),
        )
        for read in map(dataset.only_field, [field.name for field in dataset.fields])
        for card in source_cards(read, None)
    ]


def with_domain_shifts(dataset: Dataset, source: AnySource, features: FloatArray) -> Dataset:
    """Add notices on how the items differ from the training data of the source, or of each part of a joint source.

    Parameters
    ----------
    features : shape (n, d), of the dataset's items by the source
    """
    parts = source.sources if isinstance(source, JointSource) else (source,)
    found: list[Notice] = []
    for part in parts:
        reads, items = (
            (part.source, dataset.values_of(part.field)) if isinstance(part, FieldSource) else (part, dataset.items)
        )
        found += domain_shifts(items, reads.card, features[:, source.parts[part.name]])
    return replace(dataset, notices=(*dataset.notices, *found))


def _features(dataset: Dataset, card: Card) -> FloatArray | None:
    """Embed a few items, shape (m, d); None if the source is not cached or too slow."""
    if card.gmacs > _QUICK_GMACS or not is_kept(card):
        return None
    items = [dataset.items[i] for i in evenly(len(dataset), MOST_ITEMS)]
    try:
        values = embed(items, open_source(card, stream=None), on_bad=lambda _position, _error: None).values
    except HeadstartError:  # a damaged file, or a missing extra: fit reports it
        return None
    return values[~np.isnan(values).any(axis=1)]
