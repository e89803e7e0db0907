"""Mismatch: how far items lie from what a source was trained on, said before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError, SourceError
from headstart.data.image import open_image
from headstart.data.language import guess_language
from headstart.sources.backbone import Source
from headstart.sources.origins import is_kept, kept_folder
from headstart.sources.references import FEWEST_ITEMS, evenly, reference_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card

_MOST_TEXTS = 200
_MOST_PHOTOS = 24  # large ones take long to decode, and each source asks anew
_NOTEWORTHY = 0.1  # share of the items from which on something is said
_TOKENS_PER_WORD = 1.3  # of English, where the tokenizer is not at hand
_LONG = 2.0  # longer side against shorter: less than half of the photo is in a centre crop
_GREY_STEP = 8  # grey levels between channels: below it, colour is a trace of compression
_THUMBNAIL_PX = 64


def mismatches(items: Sequence[Any], card: Card, features: FloatArray | None = None) -> tuple[Notice, ...]:
    """Say in which ways items differ from what a source was trained on; nothing where none is found.

    A sample of the items is looked at. The network is not used.

    Parameters
    ----------
    features : shape (m, d), of any of the items by that source; None leaves out the distance in feature space
    """
    kind = card.input["kind"]
    sentences: list[str] = []
    if kind == "tokens":
        texts = [str(items[i]) for i in evenly(len(items), _MOST_TEXTS)]
        sentences += [*_lengths(texts, card), *_language(texts, card)]
    elif kind == "pixels":
        photos = _photos([items[i] for i in evenly(len(items), _MOST_PHOTOS)])
        sentences += _looks(photos, card)
    if features is not None:
        sentences += _distance(features, card)
    return tuple(Notice(kind="suitability", message=sentence) for sentence in sentences)


def _lengths(texts: list[str], card: Card) -> list[str]:
    longest = card.input["max_tokens"]
    is_long, how = _too_long(texts, card, longest)
    share = float(np.mean(is_long))
    if share < _NOTEWORTHY:
        return []
    return [
        f"{share:.0%} of the texts are longer than the {longest} tokens that {card.name} reads{how}: their ends are not seen."
    ]


def _too_long(texts: list[str], card: Card, longest: int) -> tuple[list[bool], str]:
    """Tell for each text whether it is cut, and how that is known."""
    if is_kept(card):
        try:
            reader = Source(card, kept_folder(card)).input
        except SourceError:  # a damaged file: opening the source will say so
            reader = None
        if reader is not None and hasattr(reader, "is_cut"):
            return reader.is_cut(texts), ""
    return [len(text.split()) * _TOKENS_PER_WORD > longest for text in texts], " (estimated from their words)"


def _language(texts: list[str], card: Card) -> list[str]:
    guess = guess_language(texts)
    if guess is None or not card.languages or guess.codes & set(card.languages):
        return []
    known = ", ".join(card.languages)
    return [f"Most texts look like {guess.name}, but {card.name} was trained on texts in: {known}."]


def _photos(items: list[Any]) -> list[Image]:
    """Decode what can be decoded; what cannot is reported elsewhere."""
    photos = []
    for item in items:
        try:
            photos.append(open_image(item))
        except DataError:
            continue
    return photos


def _looks(photos: list[Image], card: Card) -> list[str]:
    if not photos:
        return []
    sentences, seen_px = [], min(card.input["height_px"], card.input["width_px"])
    shorter = np.array([min(photo.size) for photo in photos])
    ratio = np.array([max(photo.size) for photo in photos]) / shorter
    small, long = float((shorter < seen_px).mean()), float((ratio > _LONG).mean())
    grey = float(np.mean([_is_grey(photo) for photo in photos]))
    if small >= _NOTEWORTHY:
        sentences.append(
            f"{small:.0%} of the photos are smaller than the {seen_px} pixels that {card.name} sees (half of all have "
            f"{np.median(shorter):.0f} or fewer on the shorter side): they are enlarged, and details are not there."
        )
    if grey >= _NOTEWORTHY:
        sentences.append(
            f"{grey:.0%} of the photos have no colour, and {card.name} reads colour: a part of it lies idle."
        )
    if long >= _NOTEWORTHY and card.input["resize"] == "crop":
        sentences.append(
            f"{long:.0%} of the photos are more than twice as long as wide, or as wide as long: {card.name} sees the centre, less "
            "than half of each."
        )
    return sentences


def _is_grey(photo: Image) -> bool:
    pixels = np.asarray(photo.resize((_THUMBNAIL_PX, _THUMBNAIL_PX)), dtype=np.int16)
    return int(np.ptp(pixels, axis=2).max()) <= _GREY_STEP


def _distance(features: FloatArray, card: Card) -> list[str]:
    reference = reference_of(card)
    if reference is None or len(features) < FEWEST_ITEMS:
        return []
    times = reference.distance(features) / reference.typical
    if times <= 1:
        return []
    kind = "photos" if card.modality == "image" else "texts"
    place = f"In the feature space of {card.name}"
    return [f"{place} the data lies {times:.1f} times as far from everyday {kind} as any of the reference data does."]
