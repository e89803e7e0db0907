"""Which sources there are within what the user allows, and how large they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.dataset import ROW
from headstart.core.errors import OptionError
from headstart.data.modalities import get_modality
from headstart.sources.catalogue import cards
from headstart.sources.licenses import allows

if TYPE_CHECKING:
    from headstart.sources.card import Card

_BYTES_PER_PARAMETER = 4  # weights are computed, and packed but for few, as float32


def size_mib(card: Card) -> float:
    """Size of the weights, as they are computed with.

    >>> from headstart.sources import find
    >>> round(size_mib(find("efficientnet-lite0")))
    18
    """
    return card.parameters * _BYTES_PER_PARAMETER / 2**20


def within(*, modality: str | None = None, license: str | None = None, max_size_mib: float | None = None) -> list[Card]:
    """Give the cards that keep to all limits, by name; None limits nothing.

    Parameters
    ----------
    license : SPDX names with commas between, or 'permissive'

    Raises
    ------
    OptionError
        A limit is not of its kind.
    """
    wanted = modality if modality in {None, ROW} else get_modality(modality).name
    if max_size_mib is not None and not max_size_mib > 0:
        raise OptionError(f"a size above 0 MiB was expected, but {max_size_mib} came.")
    return [
        card
        for card in cards()
        if wanted in (None, card.modality)
        and (license is None or allows(license, card.license))
        and (max_size_mib is None or size_mib(card) <= max_size_mib)
    ]
