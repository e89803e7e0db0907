"""The line from a path to a bundle, and a bundle measured again."""

from headstart.pipeline.fitted import Fitted
from headstart.pipeline.fitting import fit
from headstart.pipeline.proving import prove_again

__all__ = ["Fitted", "fit", "prove_again"]
