"""Open one source, or several side by side, by whatever names them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.core.words import listed_words
from headstart.sources.card import Card
from headstart.sources.catalogue import find
from headstart.sources.fetching import fetch
from headstart.sources.fingerprint import check_fingerprint
from headstart.sources.in_context import InContextSource
from headstart.sources.joint import JointSource
from headstart.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.engines.reporters import ProgressOutput

    SourceLike = str | Card | Source | JointSource | Sequence[str | Card | Source]


def open_source(source: str | Card, *, stream: ProgressOutput = sys.stderr) -> Source:
    """Open a source by name or card; the first time, it is fetched and its features are checked.

    Raises
    ------
    OptionError
        No source is of that name, or it gives no features.
    SourceError
        It cannot be fetched, or it is not what its card says.
    """
    card = find(source) if isinstance(source, str) else source
    if card.is_in_context:
        raise OptionError(
            f"'{card.name}' gives no features: it reads a labeled table as its context. Fit it to a table: headstart fit "
            f"DATA --source {card.name}"
        )
    folder = fetch(card, stream=stream)
    opened = Source(card, folder)
    check_fingerprint(opened, folder)
    return opened


def open_in_context(source: str | Card, *, stream: ProgressOutput = sys.stderr) -> InContextSource:
    """Open a source that reads a table as its context; the first time, it is fetched and its answer to a fixed one is checked.

    Raises
    ------
    OptionError
        No source is of that name, or it gives features instead.
    SourceError
        It cannot be fetched, or it is not what its card says.
    """
    card = find(source) if isinstance(source, str) else source
    if not card.is_in_context:
        raise OptionError(f"'{card.name}' gives features and reads no table as its context. Use `open_source`.")
    opened = InContextSource(card, fetch(card, stream=stream))
    check_fingerprint(opened, opened.folder)
    return opened


def make_ready(source: str | Card, *, stream: ProgressOutput = sys.stderr) -> str:
    """Fetch and check a source of any kind, and give its name.

    Raises
    ------
    OptionError
        No source is of that name.
    SourceError
        It cannot be fetched, or it is not what its card says.
    """
    card = find(source) if isinstance(source, str) else source
    return open_in_context(card, stream=stream).name if card.is_in_context else open_source(card, stream=stream).name


def open_sources(source: SourceLike, *, stream: ProgressOutput = sys.stderr) -> Source | JointSource:
    """Open what is named: a source, or several of one modality whose features are set side by side.

    Parameters
    ----------
    source : a name, names with commas between, a card, a source that is already open (given back as it is), or a list
        of names, cards and open sources

    Raises
    ------
    OptionError
        No source has that name, none or one twice is named, or they read different kinds of items.
    SourceError
        One cannot be fetched, or it is not what its card says.

    >>> open_sources("wordllama-256, efficientnet-lite0")
    Traceback (most recent call last):
    headstart.core.errors.OptionError: 'wordllama-256' reads texts and 'efficientnet-lite0' images; sources side by side read the same items. Name one kind.
    """
    if isinstance(source, Source | JointSource):
        return source
    parts = listed_words(source) if isinstance(source, str) else source
    listed = [parts] if isinstance(parts, Card) else list(parts)
    cards = [find(part) if isinstance(part, str) else part for part in listed]
    _check([(card.name, card.reads if isinstance(card, Card) else card.card.reads) for card in cards])
    opened = tuple(card if isinstance(card, Source) else open_source(card, stream=stream) for card in cards)
    return opened[0] if len(opened) == 1 else JointSource(opened)


def _check(named: list[tuple[str, str]]) -> None:
    if not named:
        raise OptionError("no source was named. Name one, such as 'all-minilm-l6-v2', or leave it out.")
    first, kind = named[0]
    for i, (name, other) in enumerate(named):
        if other != kind:
            raise OptionError(
                f"'{first}' reads {kind} and '{name}' {other}; sources side by side read the same items. Name one kind."
            )
        if (name, other) in named[:i]:
            raise OptionError(f"source '{name}' is named twice. Name it once.")
