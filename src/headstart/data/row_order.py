"""Rows in the order of their labels: noticed, for a part of such a file that somebody cuts off is no fair sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.dataset import Notice

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset

_N_BLOCKS = 10
_N_LABELS = 10  # the most frequent ones, and all others as one
_FEWEST = 10 * _N_BLOCKS
_UNLIKELY = 4.0  # standard deviations: by chance once in 30,000 files


def find_row_order(dataset: Dataset) -> tuple[Notice, ...]:
    """Say where a label is more or less frequent than in all rows, if chance would not make it so.

    Ten blocks of rows are compared by Pearson's chi-squared statistic. Nothing is said of rows that have times or parts of their own.

    References
    ----------
    Wilson and Hilferty, The distribution of chi-square, PNAS 1931 (its approximation by a normal distribution).
    """
    is_asked = dataset.task_spec.is_single_label and dataset.times is None and dataset.splits is None
    if not is_asked or len(dataset) < _FEWEST:
        return ()
    counts = np.array([block.sum(axis=0) for block in np.array_split(dataset.targets, _N_BLOCKS)])
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    counts = np.hstack([counts[:, order[:_N_LABELS]], counts[:, order[_N_LABELS:]].sum(axis=1, keepdims=True)])
    counts = counts[:, counts.sum(axis=0) > 0]
    sizes = counts.sum(axis=1, keepdims=True)
    expected = sizes * counts.sum(axis=0) / sizes.sum()
    if counts.shape[1] < 2 or _deviation(counts, expected) < _UNLIKELY:
        return ()
    residuals = np.abs(counts - expected)[:, :_N_LABELS] / np.sqrt(expected[:, :_N_LABELS])
    block, label = np.unravel_index(int(residuals.argmax()), residuals.shape)
    start = int(sizes[:block].sum())
    here, overall = counts[block, label] / sizes[block, 0], counts[:, label].sum() / sizes.sum()
    name = dataset.labels[order[label]]
    message = (
        f"the rows are not in random order: '{name}' is {100 * here:.0f} % of rows {start + 1} to {start + int(sizes[block, 0])}, and "
        f"{100 * overall:.0f} % of all. Headstart draws its parts at random; a part that you cut off, such as the head of the file, is no "
        "fair sample."
    )
    return (Notice(kind="ordered", message=message),)


def _deviation(counts: FloatArray, expected: FloatArray) -> float:
    """Pearson's statistic of a table, as standard deviations of a normal distribution."""
    degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    spread = 2 / (9 * degrees)
    return float(((statistic / degrees) ** (1 / 3) - (1 - spread)) / spread**0.5)
