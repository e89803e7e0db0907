"""Between adapt and prove, tune: the methods above the closed-form head, tuned only where held-out groups say that it pays."""

from headstart.tuning.selection import MethodResult, TuningResult, tune
from headstart.tuning.settings import TuningSettings
from headstart.tuning.tuning_problem import TuningProblem

__all__ = ["MethodResult", "TuningProblem", "TuningResult", "TuningSettings", "tune"]
