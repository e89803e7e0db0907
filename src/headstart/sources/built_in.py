"""The sources that come with Headstart: their cards, one file each in `cards/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from headstart.sources.card import Card, read_card

_FOLDER = Path(__file__).parent / "cards"


def built_in_cards() -> list[Card]:
    """The cards of all sources that come with Headstart, by name."""
    return list(_known().values())


def built_in_names() -> tuple[str, ...]:
    """Names of the sources that come with Headstart."""
    return tuple(_known())


def find_built_in(name: str) -> Card | None:
    """The card of a source that comes with Headstart; None if there is none of that name."""
    return _known().get(name)


@cache
def _known() -> dict[str, Card]:
    found = (read_card(path) for path in sorted(_FOLDER.glob("*.toml")))
    return {card.name: card for card in found}
