"""Samples of many rows that keep rare classes whole, and what that changes in probabilities.

King and Zeng, Logistic regression in rare events data, Political Analysis 2001 (the prior correction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.baseline import sampled

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class RareSample:
    """Some of the rows.

    Attributes
    ----------
    index : positions in the dataset, in order
    log_shares : logarithm of the share of each class that was kept, shape (k,): scores before a softmax that were learned from the
        sample are too high by it
    note : what a note says of it; nothing where all rows are kept
    """

    index: IntArray
    log_shares: FloatArray
    note: str


def sample_rare(dataset: Dataset, index: IntArray, max_items: int, seed: int) -> RareSample:
    """Keep at most so many of the rows at `index`: of classes as many of each as can be, of other targets at random."""
    index = np.asarray(index)
    none = np.zeros(dataset.targets.shape[1])
    if len(index) <= max_items:
        return RareSample(index=index, log_shares=none, note="")
    if not dataset.task_spec.is_single_label:
        kept, note = sampled(index, max_items, seed)
        return RareSample(index=kept, log_shares=none, note=note)
    codes = dataset.codes[index]
    counts = np.bincount(codes, minlength=len(none))
    most = _most_of_a_class(counts, max_items)
    rng = np.random.default_rng(seed)
    parts = [index[codes == code] for code in range(len(none))]
    parts = [part if len(part) <= most else rng.choice(part, most, replace=False) for part in parts]
    shares = np.array([len(part) / max(1, n) if n else 1.0 for part, n in zip(parts, counts, strict=True)])
    kept = np.sort(np.concatenate(parts))
    return RareSample(index=kept, log_shares=np.log(shares), note=f", {len(kept):,} of {len(index):,} rows")


def _most_of_a_class(counts: IntArray, max_items: int) -> int:
    """The largest number such that so many of each class, or all that there are, come to at most `max_items`.

    >>> _most_of_a_class(np.array([3, 100, 200]), 43)
    20
    """
    left, ordered = max_items, np.sort(counts)
    for i, count in enumerate(ordered):
        share = left // (len(ordered) - i)
        if count > share:
            return int(share)
        left -= count
    return int(ordered[-1])
