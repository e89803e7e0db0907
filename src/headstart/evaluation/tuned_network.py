"""Tuned: the result of tuning, as the evaluation and the report use it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.intervals import gain, score
from headstart.tuning.tuning_section import TuningSection

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import HeldOutModel
    from headstart.tuning.trial import MethodResult


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The results of all methods, and the best of them as a model.

    Attributes
    ----------
    index : shape (m,), positions of the held-out items on which the methods were compared, those of the first folds
    model : of the method with the lowest loss there; None if none ran to its end
    """

    results: tuple[MethodResult, ...]
    index: IntArray
    model: HeldOutModel | None = None

    def sections(self, experiment: Experiment, metric: Metric, kept: str | None) -> tuple[TuningSection, ...]:
        """The tuning section: score and paired gain of each method over the closed form, on the items that they were compared on.

        Parameters
        ----------
        kept : name of the method whose network is part of the model, if one is
        """
        targets = experiment.dataset.targets[self.index]
        if not self.results or not metric.is_defined(targets):
            return ()
        groups = experiment.groups[self.index]
        results = (_described(result, metric, targets, groups, experiment.seed) for result in self.results)
        return (
            TuningSection(
                results=tuple({**one, "kept": one["name"] in (kept, self.results[0].name)} for one in results)
            ),
        )


def _described(
    result: MethodResult, metric: Metric, targets: FloatArray, groups: IntArray, seed: int
) -> dict[str, Any]:
    measured: dict[str, Any] = {"metric": None, "gain": None}
    seen = slice(0 if result.outputs is None else len(result.outputs))  # only the first items if it was given up
    targets, groups = targets[seen], groups[seen]
    if result.outputs is not None and len(np.unique(groups)) > 1 and np.isfinite(metric.of(targets, result.outputs)):
        measured["metric"] = asdict(score(metric, targets, result.outputs, groups, seed=seed))
        if result.below is not None and result.below.outputs is not None:
            below = result.below.outputs[seen]
            measured["gain"] = asdict(gain(metric, targets, result.outputs, below, groups, seed=seed))
    return {
        "name": result.name,
        "below": result.below.name if result.below else None,
        "planned_s": round(result.planned_s, 1),
        "seconds": round(result.seconds, 1),
        **measured,
        "why": result.why,
        "alpha": None,
        "trained": None,
        "settings": {},
        **result.how,
    }
