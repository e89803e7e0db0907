"""The line from a path to a bundle, or to a source, and a bundle measured again."""

from headstart.pipeline.fitted import Fitted
from headstart.pipeline.fitting import fit
from headstart.pipeline.pretraining import pretrain
from headstart.pipeline.proving import prove_again

__all__ = ["Fitted", "fit", "pretrain", "prove_again"]
