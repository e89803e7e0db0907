"""Find: a name becomes a checked pretrained backbone."""

from headstart.sources.added import remove
from headstart.sources.adding import add
from headstart.sources.backbone import Source
from headstart.sources.card import Card
from headstart.sources.catalogue import cards, find
from headstart.sources.joint import JointSource
from headstart.sources.opening import open_source
from headstart.sources.origins import fetch
from headstart.sources.tuned import TunedSource
from headstart.sources.verifying import verify

AnySource = Source | JointSource

__all__ = [
    "AnySource",
    "Card",
    "JointSource",
    "Source",
    "TunedSource",
    "add",
    "cards",
    "fetch",
    "find",
    "open_source",
    "remove",
    "verify",
]
