"""Estimates of the score on new data, from the training part alone, with three ways of holding items out.

*More of the same* holds out an item with its near-duplicates; *new conditions* holds out whole clusters of similar items; *naive*
holds out one item at a time, as is usual, while its near-duplicates stay in training.
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
        if len(np.unique(blocks)) > 1  # with a single block, nothing would be left to train on
    }
