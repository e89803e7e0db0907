"""Stage 9, stream: records come in from a place, answers go out to another."""

from headstart.streaming.run import stream
from headstart.streaming.settings import StreamSettings

__all__ = ["StreamSettings", "stream"]
