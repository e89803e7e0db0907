"""Stage 6, prove: the model against rivals that owe nothing to pretraining, on items that nobody learnt from."""

from headstart.proof.contest import Arena
from headstart.proof.prove import Proof, measure, prove
from headstart.proof.rival import rivals_for

__all__ = ["Arena", "Proof", "measure", "prove", "rivals_for"]
