"""Sides: which items a method may learn from, and which prove what it made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.compression.graphs import FEATURES, OUTPUTS
from headstart.compression.measuring import answers
from headstart.core.errors import DataError
from headstart.data.duplicates import exact_duplicates
from headstart.data.holdout import assign_folds, plan_splits
from headstart.data.near_duplicates import find_near_duplicates

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.metrics import Metric
    from headstart.packaging.packed import Packed

_MOST_ITEMS = 8000  # more would make the intervals little narrower and every trial slower


@dataclass(frozen=True, kw_only=True)
class Split:
    """Data cut in two, groups of near-duplicates whole.

    Attributes
    ----------
    calibration, test : items to learn from, and held-out items
    outputs : shape (n, k), of the original model on the held-out items
    metric : the headline of the task
    evaluation : the same for people
    """

    calibration: Dataset
    test: Dataset
    outputs: FloatArray
    metric: Metric
    evaluation: str


def split_data(dataset: Dataset, original: Packed, *, seed: int) -> Split:
    """Hold out the user's own test part, else half of the groups.

    Near-duplicates are found from the original's features; a model that has none tells only equal items.

    Raises
    ------
    DataError
        There are too few groups, or the metric has no value on the held-out items.
    """
    dataset = dataset.take(np.sort(np.random.default_rng(seed).permutation(len(dataset))[:_MOST_ITEMS]))
    given = answers(original, dataset.items)
    groups = (
        find_near_duplicates(given[FEATURES], dataset.groups).groups
        if FEATURES in given
        else exact_duplicates([str(item) for item in dataset.items])
    )
    dataset = replace(dataset, groups=groups)
    plan = plan_splits(dataset, groups, seed=seed)
    if plan.kind in ("given", "time"):
        calibration_index, test_index = plan.folds[0]
        evaluation = plan.sentence
    else:
        halves = assign_folds(groups, dataset.targets, 2, seed)
        calibration_index, test_index = np.flatnonzero(halves == 0), np.flatnonzero(halves == 1)
        evaluation = (
            f"half of the groups of near-duplicates, {len(test_index)} items, took no part in calibrating and refitting; "
            "the bundle may have calibration_index from them when it was made"
        )
    test, outputs = dataset.take(test_index), given[OUTPUTS][test_index]
    metric = dataset.task_spec.headline(dataset.targets)
    if not np.isfinite(metric.of(test.targets, outputs)):
        raise DataError(
            f"{metric.name} has no value on the {len(test)} held-out items of '{dataset.name}': their target does not vary. "
            "Give more labelled items."
        )
    return Split(
        calibration=dataset.take(calibration_index), test=test, outputs=outputs, metric=metric, evaluation=evaluation
    )
