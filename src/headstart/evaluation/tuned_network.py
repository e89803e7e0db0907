"""Tuned: what the tuning above the closed-form head gave, as the proof and the report take it."""

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
    """The methods, and the highest that was kept.

    Attributes
    ----------
    index : shape (m,), positions of the items on which methods were compared
    fold_groups : shape (m,), which of them were held out together: clusters of like items, or groups where the proof is in folds
    source, head : the tuned network with its head; None where the closed form was kept, as is all that follows
    features : shape (len(plan.final), d), of the final items by the tuned network
    outputs : shape (len(plan.held_out_), k), for the items that prove, by networks that did not see them
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
        """All methods together."""
        return sum(result.seconds for result in self.results)

    def sections(self, experiment: Experiment, metric: Metric) -> tuple[TuningSection, ...]:
        """Each method for the report: its score and its paired gain over the method below, on the items that they were compared on."""
        targets = experiment.dataset.targets[self.index]
        if not self.results or not np.isfinite(metric.of(targets, np.zeros_like(targets))):
            return ()
        results = (_described(result, metric, targets, self.fold_groups, experiment.seed) for result in self.results)
        return (TuningSection(results=tuple(results)),)


def _described(
    result: MethodResult, metric: Metric, targets: FloatArray, fold_groups: IntArray, seed: int
) -> dict[str, Any]:
    measured: dict[str, Any] = {"metric": None, "gain": None}
    seen = slice(0 if result.outputs is None else len(result.outputs))  # the first items alone, where it was given up
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
