"""Stage 5, adapt: frozen features and some labels become a head."""

from headstart.adaptation.select import Adapted, adapt

__all__ = ["Adapted", "adapt"]
