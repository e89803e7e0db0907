"""Find: a name becomes a checked pretrained backbone."""

from headstart.sources.added import remove
from headstart.sources.adding import add
from headstart.sources.backbone import Source, open_source
from headstart.sources.card import Card, cards, find
from headstart.sources.joint import JointSource
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
