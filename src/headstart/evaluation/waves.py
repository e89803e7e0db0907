"""Waves: ridge on cosines of random directions, which is near to a Gaussian process; no row of the data is in the model.

References
----------
Rahimi and Recht, Random features for large-scale kernel machines, NeurIPS 2007.
Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, section 4.2.1 (the Matérn kernel, whose directions are t-distributed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.heads.calibration import Calibration, fit_calibration
from headstart.heads.problem import Problem
from headstart.heads.ridge import RidgePath
from headstart.onnx_graph.arithmetic import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.evaluation.field_networks import FieldNetworks
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.joint import JointPreprocessor

_N_WAVES = 1024
_DEGREES = 5  # of freedom of the directions: a Matérn kernel of smoothness 5/2
_LENGTHS = (0.2, 0.35, 0.7, 1.4)  # of waves, relative to the usual distance of two rows
_LINEAR = 0.3  # length of a usual row of the columns beside that of the waves, which is 1
_PENALTIES = 0.03 * 10.0 ** np.arange(-3.5, 1.6, 0.5)  # relative to the sum of the eigenvalues


@dataclass(frozen=True, kw_only=True)
class Waves:
    """scores = cos(rows @ directions + phase) @ coef + rows @ linear + intercept.

    Attributes
    ----------
    directions : shape (d, n_waves)
    phase : shape (n_waves,)
    coef : shape (n_waves, k)
    linear : shape (d, k)
    intercept : shape (k,)
    length : of the waves, relative to the usual distance of two rows
    """

    directions: FloatArray
    phase: FloatArray
    coef: FloatArray
    linear: FloatArray
    intercept: FloatArray
    length: float


def fit_waves(rows: FloatArray, problem: Problem) -> Waves:
    """Fit weights; the length of the waves and the penalty are those of the lowest loss on held-out groups.

    Parameters
    ----------
    rows : shape (n, d)
    problem : with the targets; its features are not read
    """
    mean, task = rows.mean(axis=0), problem.task_spec
    distance = float(np.sqrt(2 * np.square(rows - mean).sum(axis=1).mean())) or 1.0
    generator = np.random.default_rng(problem.seed)
    directions = generator.standard_normal((rows.shape[1], _N_WAVES)) / distance
    directions *= np.sqrt(_DEGREES / generator.chisquare(_DEGREES, _N_WAVES))
    phase = generator.uniform(0, 2 * np.pi, _N_WAVES)
    best: tuple[float, RidgePath, float, Calibration, float] | None = None
    for length in _LENGTHS:
        waves = np.cos((rows - mean) @ directions / length + phase) * np.sqrt(2 / _N_WAVES)
        features = np.concatenate([waves, (rows - mean) * (_LINEAR * np.sqrt(2) / distance)], axis=1)
        taken = Problem(features=features, targets=problem.targets, task=problem.task, groups=problem.groups)
        path = RidgePath.of(taken, "identity", scaled=False)
        penalty, calibration = _choose(path)
        if best is None or calibration.loss < best[0]:
            best = calibration.loss, path, penalty, calibration, length
    assert best is not None
    _, path, penalty, calibration, length = best
    head = path.head(penalty)
    coef = head.coef * head.scale[:, None] * calibration.slope
    intercept = calibration.slope * head.intercept + calibration.intercept - head.centre @ coef
    linear = coef[_N_WAVES:] * (_LINEAR * np.sqrt(2) / distance)
    seen = problem.targets.any(axis=0) if task.is_single_label else np.ones(len(intercept), bool)
    return Waves(
        directions=directions / length,
        phase=phase - mean @ directions / length,
        coef=np.where(seen, coef[:_N_WAVES] * np.sqrt(2 / _N_WAVES), 0.0),
        linear=np.where(seen, linear, 0.0),
        intercept=np.where(seen, intercept - mean @ linear, -_NEVER),
        length=length,
    )


_NEVER = 12.0  # nats by which a class without items is below the others


def _choose(path: RidgePath) -> tuple[float, Calibration]:
    """The penalty of the lowest loss on held-out groups, and what calibrates it; a middle one where there is one group."""
    problem = path.problem
    penalties = _PENALTIES * max(float(path.eigenvalues.sum()), 1e-12)
    if len(np.unique(problem.groups)) < 2:
        unchanged = Calibration(slope=1.0, intercept=np.zeros(problem.targets.shape[1]), loss=0.0)
        return float(penalties[len(penalties) // 2]), unchanged
    found = [
        fit_calibration(scores, problem.targets, problem.task_spec)
        for scores in path.held_out(problem.groups, penalties)
    ]
    best = min(range(len(found)), key=lambda i: found[i].loss)
    return float(penalties[best]), found[best]


@dataclass(frozen=True, kw_only=True)
class WaveNetwork:
    """A `ScoringNetwork`.

    Attributes
    ----------
    columns : give rows @ directions and, beside it, rows @ linear, shape (n, n_waves + k)
    phase : shape (n_waves,), float32
    coef : shape (n_waves, k), float32
    """

    columns: FieldNetworks
    phase: FloatArray
    coef: FloatArray

    @property
    def input(self) -> JointPreprocessor:
        """The reader of the columns."""
        return self.columns.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        n_waves, values = len(self.phase), self.columns.scores(items)
        return np.asarray(np.cos(values[:, :n_waves] + self.phase) @ self.coef + values[:, n_waves:])

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of the columns, of the waves, and of their weighted sum."""
        n_waves, k = self.coef.shape
        values = Value(graph, self.columns.encode(graph), "float32")
        waves = (_picked(values, np.arange(n_waves)) + self.phase).apply("Cos")
        summed = waves.apply("MatMul", Value(graph, graph.constant(self.coef), "float32"))
        return (summed + _picked(values, np.arange(n_waves, n_waves + k))).name


def _picked(x: Value, places: IntArray) -> Value:
    return x.apply("Gather", Value(x.graph, x.graph.constant(places)), axis=1)
