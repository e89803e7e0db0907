"""Find: a name becomes a checked pretrained backbone."""

from headstart.sources.backbone import Source, open_source
from headstart.sources.card import Card, cards, find
from headstart.sources.origins import fetch

__all__ = ["Card", "Source", "cards", "fetch", "find", "open_source"]
