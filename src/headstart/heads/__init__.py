"""Stage 5, adapt: frozen features and some labels become a head."""

from headstart.heads.select import Adapted, adapt

__all__ = ["Adapted", "adapt"]
