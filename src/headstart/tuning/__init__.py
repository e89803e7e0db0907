"""Tune, between adapt and prove: train the network itself, kept only where it is better on held-out groups."""

from headstart.tuning.selection import TuningResult, tune
from headstart.tuning.settings import TuningSettings
from headstart.tuning.trial import MethodResult
from headstart.tuning.tuning_problem import TuningProblem

__all__ = ["MethodResult", "TuningProblem", "TuningResult", "TuningSettings", "tune"]
