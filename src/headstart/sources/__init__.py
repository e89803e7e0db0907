"""Find: a name becomes a checked pretrained source."""

from headstart.sources.card import Card
from headstart.sources.catalogue import cards, find
from headstart.sources.fetching import fetch
from headstart.sources.field_source import FieldSource
from headstart.sources.imported_store import remove
from headstart.sources.importing.import_model import add
from headstart.sources.in_context import InContextSource
from headstart.sources.joint import JointSource
from headstart.sources.opening import make_ready, open_in_context, open_source
from headstart.sources.source import Source
from headstart.sources.tuned import TunedSource
from headstart.sources.verifying import verify

AnySource = Source | JointSource

__all__ = [
    "AnySource",
    "Card",
    "FieldSource",
    "InContextSource",
    "JointSource",
    "Source",
    "TunedSource",
    "add",
    "cards",
    "fetch",
    "find",
    "make_ready",
    "open_in_context",
    "open_source",
    "remove",
    "verify",
]
