"""Verify: the bytes of a source in the cache are those of its card, and it still computes the same."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.core.errors import SourceError
from headstart.sources.built_in import built_in_names
from headstart.sources.catalogue import find
from headstart.sources.fetching import is_kept, kept_folder, read_file
from headstart.sources.fingerprint import TOLERANCE, fingerprint_difference
from headstart.sources.imported_store import imported_names
from headstart.sources.in_context import InContextSource
from headstart.sources.source import Source


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found of one source.

    Attributes
    ----------
    state : 'sound', 'damaged', or 'absent' where its files are not in the cache
    problem : what is wrong and what to do; empty if nothing is
    """

    name: str
    state: str
    problem: str = ""


def kept_names() -> list[str]:
    """Names of all sources that are in the cache, damaged added ones included."""
    kept = [name for name in built_in_names() if is_kept(find(name))]
    return sorted([*kept, *imported_names()])


def verify(name: str) -> Verified:
    """Check every byte of a source and compute its fingerprint anew, whatever was checked before.

    Raises
    ------
    OptionError
        There is none of that name.
    """
    try:
        card = find(name)
        if card.downloads and not is_kept(card):
            return Verified(name=name, state="absent")
        folder = kept_folder(card)
        for file in card.files:
            read_file(card, folder, file)
        difference = fingerprint_difference(
            InContextSource(card, folder) if card.is_in_context else Source(card, folder)
        )
    except SourceError as error:
        return Verified(name=name, state="damaged", problem=str(error))
    if not difference <= TOLERANCE:
        problem = f"the features of the test input differ from the card's by {difference:.2g}. Upgrade onnxruntime."
        return Verified(name=name, state="damaged", problem=problem)
    return Verified(name=name, state="sound")
