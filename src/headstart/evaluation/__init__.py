"""Stage 6, prove: compare the model with baselines without pretraining, on items that none of them trained on."""

from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.experiment import Experiment
from headstart.evaluation.prove import Proof, measure, prove

__all__ = ["Experiment", "Proof", "baselines_for", "measure", "prove"]
