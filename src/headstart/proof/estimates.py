"""Estimates: what the training part alone says about the future, in three words that differ.

*More of the same* leaves out an item with its near-duplicates; *new conditions* leaves out whole clusters of like items;
*naive* leaves out one item at a time, as is usual, and forgets that its twin stays in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.conditions import find_conditions
from headstart.proof.intervals import score

if TYPE_CHECKING:
    from headstart.adaptation import Adapted
    from headstart.core.dataset import IntArray
    from headstart.core.report import Score
    from headstart.proof.contest import Arena
    from headstart.proof.metrics import Metric


def estimate(arena: Arena, adapted: Adapted, metric: Metric, index: IntArray) -> dict[str, Score]:
    """Estimate `metric` for the model adapted on the items at `index`, from those items alone."""
    targets, groups = arena.dataset.targets[index], arena.groups[index]
    conditions = find_conditions(
        arena.features[index], targets, groups, seed=arena.seed, is_classification=arena.dataset.is_classification
    )
    alone = np.arange(len(index))
    outputs = {
        "more of the same": (adapted.held_out, groups),
        "new conditions": (adapted.outputs_without(conditions), conditions),
        "naive": (adapted.outputs_without(alone), alone),
    }
    return {
        name: score(metric, targets, held_out, blocks, seed=arena.seed)
        for name, (held_out, blocks) in outputs.items()
        if len(np.unique(blocks)) > 1
    }
