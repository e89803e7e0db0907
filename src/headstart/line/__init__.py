"""The line from a path to a bundle, and a bundle measured again."""

from headstart.line.fitted import Fitted
from headstart.line.fitting import fit
from headstart.line.proving import prove_again

__all__ = ["Fitted", "fit", "prove_again"]
