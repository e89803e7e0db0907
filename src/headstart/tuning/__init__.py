"""Between adapt and prove, tune: the rungs above the closed-form head, climbed only where held-out groups say that it pays."""

from headstart.tuning.ground import Ground
from headstart.tuning.ladder import Climbed, Rung, climb
from headstart.tuning.settings import Settings

__all__ = ["Climbed", "Ground", "Rung", "Settings", "climb"]
