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
    from headstart.heads.head import EnsembleHead
    from headstart.sources import Source
    from headstart.tuning.selection import MethodResult


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The results of all methods, and the network that was kept.

    Attributes
    ----------
    index : shape (m,), positions of the items on which the methods were compared
    fold_groups : shape (m,), which of them were held out together: clusters of similar items, or groups under cross-validation
    source, head : the tuned network with its head; None, like all that follows, if the closed form was kept
    features : shape (len(plan.final), d), of the final items by the tuned network
    outputs : shape (len(plan.test), k), for the test items, by networks that did not train on them
    held_out : shape (m, k), for the items at `index`, likewise
    """

    results: tuple[MethodResult, ...]
    index: IntArray
    fold_groups: IntArray
    source: Source | None = None
    head: EnsembleHead | None = None
    features: FloatArray | None = None
    outputs: FloatArray | None = None
    held_out: FloatArray | None = None

    @property
    def seconds(self) -> float:
        """Total time of all methods."""
        return sum(result.seconds for result in self.results)

    def sections(self, experiment: Experiment, metric: Metric) -> tuple[TuningSection, ...]:
        """The tuning section: score and paired gain of each method, on the items that the methods were compared on."""
        targets = experiment.dataset.targets[self.index]
        if not self.results or not np.isfinite(metric.of(targets, np.zeros_like(targets))):
            return ()
        results = (_described(result, metric, targets, self.fold_groups, experiment.seed) for result in self.results)
        return (TuningSection(results=tuple(results)),)


def _described(
    result: MethodResult, metric: Metric, targets: FloatArray, fold_groups: IntArray, seed: int
) -> dict[str, Any]:
    measured: dict[str, Any] = {"metric": None, "gain": None}
    seen = slice(0 if result.outputs is None else len(result.outputs))  # only the first items if it was given up
    targets, fold_groups = targets[seen], fold_groups[seen]
    if (
        result.outputs is not None
        and len(np.unique(fold_groups)) > 1
        and np.isfinite(metric.of(targets, result.outputs))
    ):
        measured["metric"] = asdict(score(metric, targets, result.outputs, fold_groups, seed=seed))
        if result.below is not None and result.below.outputs is not None:
            below = result.below.outputs[seen]
            measured["gain"] = asdict(gain(metric, targets, result.outputs, below, fold_groups, seed=seed))
    return {
        "name": result.name,
        "below": result.below.name if result.below else None,
        "planned_s": round(result.planned_s, 1),
        "seconds": round(result.seconds, 1),
        **measured,
        "kept": result.kept,
        "why": result.why,
        "alpha": None,
        "trained": None,
        "settings": {},
        **result.how,
    }
