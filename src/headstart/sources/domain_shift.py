"""Mismatch: how far items lie from what a source was trained on, said before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import SourceError
from headstart.data.modalities import Expectations, get_modality
from headstart.sources.fetching import is_kept, kept_folder
from headstart.sources.references import FEWEST_ITEMS, evenly, reference_of
from headstart.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card


def domain_shifts(items: Sequence[Any], card: Card, features: FloatArray | None = None) -> tuple[Notice, ...]:
    """Say in which ways items differ from what a source was trained on; nothing where none is found.

    A sample of the items is looked at. The network is not used.

    Parameters
    ----------
    features : shape (m, d), of any of the items by that source; None leaves out the distance in feature space
    """
    modality = get_modality(card.modality)
    sample = [items[i] for i in evenly(len(items), modality.n_compared)]
    sentences = modality.differences(sample, _expectations(card))
    if features is not None:
        sentences += _distance(features, card)
    return tuple(Notice(kind="suitability", message=sentence) for sentence in sentences)


def _expectations(card: Card) -> Expectations:
    return Expectations(name=card.name, settings=card.input, languages=card.languages, is_cut=_is_cut(card))


def _is_cut(card: Card) -> Callable[[Sequence[Any]], list[bool]] | None:
    """What tells exactly which values are cut, where the source's files lie in the cache."""
    if not is_kept(card):
        return None
    try:
        reader = Source(card, kept_folder(card)).input
    except SourceError:  # a damaged file: opening the source will say so
        return None
    return getattr(reader, "is_cut", None)


def _distance(features: FloatArray, card: Card) -> list[str]:
    reference = reference_of(card)
    if reference is None or len(features) < FEWEST_ITEMS:
        return []
    times = reference.distance(features) / reference.typical
    if times <= 1:
        return []
    kind = get_modality(card.modality).plural
    place = f"In the feature space of {card.name}"
    return [f"{place} the data lies {times:.1f} times as far from everyday {kind} as any of the reference data does."]
