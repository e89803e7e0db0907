"""Catalogue: all sources that are known, built in, added, or named on a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import unknown_name
from headstart.sources.built_in import built_in_cards, built_in_names, find_built_in
from headstart.sources.imported_store import imported_names, read_imported
from headstart.sources.importing.hub import PREFIX, find_hub

if TYPE_CHECKING:
    from headstart.sources.card import Card


def cards() -> list[Card]:
    """All sources that are known, built in and added, by name."""
    return sorted([*built_in_cards(), *map(read_imported, imported_names())], key=lambda card: card.name)


def find(name: str) -> Card:
    """Find a source's card by its name: built in, added, or 'hub:ORG/NAME[@REVISION]', which is fetched the first time.

    Raises
    ------
    OptionError
        There is none of that name; the message gives the nearest.
    SourceError
        The hub does not give it, or an added card has been changed.

    >>> find("all-minilm-l6-v2").dimensions
    384
    """
    card = find_built_in(name)
    if card is not None:
        return card
    if name.startswith(PREFIX):
        return find_hub(name)
    if name not in imported_names():
        raise unknown_name("source", name, [*built_in_names(), *imported_names()])
    return read_imported(name)
