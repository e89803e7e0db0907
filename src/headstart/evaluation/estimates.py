"""Estimates: what the training part alone says about the future, in three words that differ.

*More of the same* leaves out an item with its near-duplicates; *new conditions* leaves out whole clusters of like items;
*naive* leaves out one item at a time, as is usual, and forgets that its twin stays in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.intervals import score

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray
    from headstart.core.metrics import Metric
    from headstart.core.report import Score
    from headstart.evaluation.experiment import Experiment
    from headstart.heads import Adapted


def estimate(experiment: Experiment, adapted: Adapted, metric: Metric, index: IntArray) -> dict[str, Score]:
    """Estimate `metric` for the model adapted on the items at `index`, from those items alone."""
    targets, groups = experiment.dataset.targets[index], experiment.groups[index]
    conditions = experiment.problem(index).conditions()
    partitions = {"more of the same": groups, "new conditions": conditions, "naive": np.arange(len(index))}
    return {
        name: score(
            metric,
            targets,
            adapted.held_out if blocks is groups else adapted.outputs_without(blocks),
            blocks,
            seed=experiment.seed,
        )
        for name, blocks in partitions.items()
        if len(np.unique(blocks)) > 1  # where one block holds all, nothing is left to learn from
    }
