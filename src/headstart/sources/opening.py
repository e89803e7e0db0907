"""Open: a name becomes a source whose files are in the cache and whose features are those of its card."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from headstart.sources.backbone import Source
from headstart.sources.catalogue import find
from headstart.sources.fingerprint import check_fingerprint
from headstart.sources.origins import fetch

if TYPE_CHECKING:
    from headstart.sources.card import Card


def open_source(source: str | Card, *, sink: TextIO | None = sys.stderr) -> Source:
    """Open a source by name or card; the first time, it is fetched and its features are checked.

    Raises
    ------
    OptionError
        No source is of that name.
    SourceError
        It cannot be fetched, or it is not what its card says.
    """
    card = find(source) if isinstance(source, str) else source
    folder = fetch(card, sink=sink)
    opened = Source(card, folder)
    check_fingerprint(opened, folder)
    return opened
