"""Tuned: what the climb above the closed-form head gave, as the proof and the report take it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.intervals import gain, score
from headstart.tuning.tuning_section import TuningSection

if TYPE_CHECKING:
    from headstart.adaptation.head import MixedHead
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.proof.contest import Arena
    from headstart.sources import Source
    from headstart.tuning.ladder import Rung


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The rungs, and the highest that was kept.

    Attributes
    ----------
    index : shape (m,), positions of the items on which rungs were compared
    apart : shape (m,), which of them were held out together: clusters of like items, or groups where the proof is in folds
    source, head : the tuned network with its head; None where the closed form was kept, as is all that follows
    features : shape (len(plan.final), d), of the final items by the tuned network
    outputs : shape (len(plan.held_out), k), for the items that prove, by networks that did not see them
    held_out : shape (m, k), for the items at `index`, likewise
    """

    rungs: tuple[Rung, ...]
    index: IntArray
    apart: IntArray
    source: Source | None = None
    head: MixedHead | None = None
    features: FloatArray | None = None
    outputs: FloatArray | None = None
    held_out: FloatArray | None = None

    @property
    def seconds(self) -> float:
        """All rungs together."""
        return sum(rung.seconds for rung in self.rungs)

    def sections(self, arena: Arena, metric: Metric) -> tuple[TuningSection, ...]:
        """Each rung for the report: its score and its paired gain over the rung below, on the items that they were compared on."""
        targets = arena.dataset.targets[self.index]
        if not self.rungs or not np.isfinite(metric.of(targets, np.zeros_like(targets))):
            return ()
        rungs = (_described(rung, metric, targets, self.apart, arena.seed) for rung in self.rungs)
        return (TuningSection(rungs=tuple(rungs)),)


def _described(rung: Rung, metric: Metric, targets: FloatArray, apart: IntArray, seed: int) -> dict[str, Any]:
    measured: dict[str, Any] = {"metric": None, "gain": None}
    seen = slice(0 if rung.outputs is None else len(rung.outputs))  # the first items alone, where it was given up
    targets, apart = targets[seen], apart[seen]
    if rung.outputs is not None and len(np.unique(apart)) > 1 and np.isfinite(metric.of(targets, rung.outputs)):
        measured["metric"] = asdict(score(metric, targets, rung.outputs, apart, seed=seed))
        if rung.below is not None and rung.below.outputs is not None:
            below = rung.below.outputs[seen]
            measured["gain"] = asdict(gain(metric, targets, rung.outputs, below, apart, seed=seed))
    return {
        "name": rung.name,
        "below": rung.below.name if rung.below else None,
        "planned_s": round(rung.planned_s, 1),
        "seconds": round(rung.seconds, 1),
        **measured,
        "kept": rung.kept,
        "why": rung.why,
        "alpha": None,
        "trained": None,
        "settings": {},
        **rung.how,
    }
