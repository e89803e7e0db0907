"""Stage 6, prove: the model against baselines that owe nothing to pretraining, on items that nobody trained on."""

from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.experiment import Experiment
from headstart.evaluation.prove import Proof, measure, prove

__all__ = ["Experiment", "Proof", "baselines_for", "measure", "prove"]
