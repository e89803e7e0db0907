"""Split: which items a method may use, and which test the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.compression.graphs import OUTPUTS
from headstart.compression.measuring import predict
from headstart.core.errors import DataError
from headstart.data.holdout import assign_folds, plan_splits
from headstart.data.near_duplicates import with_near_duplicate_groups

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.metrics import Metric
    from headstart.packaging.packed import Packed

_MAX_ITEMS = 8000  # more would slow down every trial and hardly narrow the intervals


@dataclass(frozen=True, kw_only=True)
class Split:
    """Two parts of the data, with whole groups of near-duplicates.

    Attributes
    ----------
    calibration, test : items that methods may use, and held-out items
    outputs : shape (n, k), of the original model on the held-out items
    metric : the headline metric of the task
    evaluation : how the items were split, as a sentence
    """

    calibration: Dataset
    test: Dataset
    outputs: FloatArray
    metric: Metric
    evaluation: str


def split_data(dataset: Dataset, original: Packed, *, seed: int) -> Split:
    """Hold out the user's own test part, or half of the groups.

    Raises
    ------
    DataError
        There are too few groups, or the metric is undefined on the held-out items.
    """
    dataset = dataset.take(np.sort(np.random.default_rng(seed).permutation(len(dataset))[:_MAX_ITEMS]))
    dataset = with_near_duplicate_groups(dataset)
    groups = dataset.groups
    assert groups is not None
    outputs_by_name = predict(original, dataset.items)
    plan = plan_splits(dataset, groups, seed=seed)
    if plan.kind in ("given", "time"):
        calibration_index, test_index = plan.folds[0]
        evaluation = plan.sentence
    else:
        halves = assign_folds(groups, dataset.targets, 2, seed)
        calibration_index, test_index = np.flatnonzero(halves == 0), np.flatnonzero(halves == 1)
        evaluation = (
            f"half of the groups of near-duplicates, {len(test_index)} items, were not used for calibration or refitting; "
            "the original model may have been trained on them"
        )
    test, outputs = dataset.take(test_index), outputs_by_name[OUTPUTS][test_index]
    metric = dataset.headline(dataset.targets)
    if not np.isfinite(metric.of(test.targets, outputs)):
        raise DataError(
            f"{metric.name} is undefined on the {len(test)} held-out items of '{dataset.name}': their target does not vary. "
            "Add labeled items."
        )
    return Split(
        calibration=dataset.take(calibration_index), test=test, outputs=outputs, metric=metric, evaluation=evaluation
    )
