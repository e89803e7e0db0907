"""Find: a name becomes a checked pretrained backbone."""

from headstart.sources.backbone import Source, open_source
from headstart.sources.card import Card, cards, find
from headstart.sources.joint import JointSource
from headstart.sources.origins import fetch

AnySource = Source | JointSource

__all__ = ["AnySource", "Card", "JointSource", "Source", "cards", "fetch", "find", "open_source"]
