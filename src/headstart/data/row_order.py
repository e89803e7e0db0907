"""Rows in the order of their labels: noticed, for the head of such a file is no fair sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.dataset import Notice

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset

_FEWEST = 100
_N_LABELS = 10  # the most frequent ones
_BY_CHANCE = 0.001  # share of files in random order of which it would be said


def find_row_order(dataset: Dataset) -> tuple[Notice, ...]:
    """Say by how much the share of a label in the first rows differs from that in all, if chance would not make it so.

    The largest difference between the counts of a label up to a row and the expected ones is compared with Kolmogorov's distribution, for
    each of the most frequent labels. Nothing is said of rows that have times or parts of their own.

    References
    ----------
    Kolmogorov, Sulla determinazione empirica di una legge di distribuzione, Giornale dell'Istituto Italiano degli Attuari 1933.
    """
    is_asked = dataset.task_spec.is_single_label and dataset.times is None and dataset.splits is None
    n = len(dataset)
    if not is_asked or n < _FEWEST:
        return ()
    shares = dataset.targets.mean(axis=0)
    labels = [label for label in np.argsort(-shares, kind="stable")[:_N_LABELS] if 0 < shares[label] < 1]
    excess = np.abs(np.cumsum(dataset.targets[:, labels] - shares[labels], axis=0))  # (n, labels)
    distances = excess.max(axis=0) / np.sqrt(n * shares[labels] * (1 - shares[labels]))
    if not labels or 2 * np.exp(-2 * distances.max() ** 2) * len(labels) > _BY_CHANCE:
        return ()
    farthest = int(distances.argmax())
    label, n_first = labels[farthest], int(excess[:, farthest].argmax()) + 1
    here = dataset.targets[:n_first, label].mean()
    message = (
        f"the rows are not in random order: '{dataset.labels[label]}' is {100 * here:.0f} % of the first {n_first:,} and "
        f"{100 * shares[label]:.0f} % of all {n:,}. Headstart draws its parts at random; the head of the file alone is no fair sample."
    )
    return (Notice(kind="ordered", message=message),)
