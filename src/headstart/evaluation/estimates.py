"""Estimates of the score on new data, from the training part alone, with three ways of holding items out.

*More of the same* holds out an item with its near-duplicates; *new conditions* holds out whole clusters of similar items; *naive*
holds out one item at a time, as is usual, while its near-duplicates stay in training. They are those of the models with a closed form,
with the weights that these have in the mix: others would have to be fitted anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.intervals import score

if TYPE_CHECKING:
    from headstart.core.metrics import Metric
    from headstart.core.report import Score
    from headstart.evaluation.mixture import Mixture


def estimate(mixture: Mixture, metric: Metric) -> dict[str, Score]:
    """Estimate `metric` from the items that may be trained on; empty where no model has a closed form."""
    closed = [(model.outputs_without, weight) for model, weight in mixture.fitted if model.outputs_without is not None]
    if not closed:
        return {}
    experiment = mixture.experiment
    index = experiment.plan.final
    targets, groups = experiment.dataset.targets[index], experiment.groups[index]
    conditions = experiment.conditions(index)
    partitions = {"more of the same": groups, "new conditions": conditions, "naive": np.arange(len(index))}
    total = sum(weight for _, weight in closed)
    return {
        name: score(
            metric,
            targets,
            np.sum([weight / total * outputs_without(blocks) for outputs_without, weight in closed], axis=0),
            blocks,
            seed=experiment.seed,
        )
        for name, blocks in partitions.items()
        if len(np.unique(blocks)) > 1  # with a single block, nothing would be left to train on
    }
