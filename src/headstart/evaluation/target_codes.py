"""Target codes: what the targets are on average where a category has a level, learned without the rows that are coded.

Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes, SIGKDD Explorations 2001. Pargent et al., Regularized
target encoding outperforms traditional methods, Computational Statistics 2022 (why it has to be cross-fitted).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.holdout import assign_folds

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray

N_FOLDS = 5
_MANY_GROUPS = 10_000


def code_table(places: IntArray, n_places: int, targets: FloatArray, weight: float) -> FloatArray:
    """Give how far the mean of the targets at each place, drawn to the mean of all, is from that mean, shape (n_places, m), float32.

    What is far from the mean of all is comparable between tables of different rows. Means are not: those without a row, or without a
    fold, are low where its targets are high, and would tell them.

    Parameters
    ----------
    places : of the levels of each row and field, shape (n, n_fields)
    targets : shape (n, m)
    weight : of the mean of all, in rows
    """
    sums, counts = _sums(places, n_places, targets)
    mean = targets.mean(axis=0)
    return ((sums - counts[:, None] * mean) / (counts + weight)[:, None]).astype(np.float32)


def cross_fitted_codes(
    places: IntArray, n_places: int, targets: FloatArray, folds: IntArray, weight: float
) -> FloatArray:
    """Give the codes of each row by tables of the other folds, shape (n, n_fields * m), float32."""
    found = np.empty((len(places), places.shape[1] * targets.shape[1]), np.float32)
    for fold in np.unique(folds):
        inside = folds == fold
        if inside.all():  # nothing is left to learn codes from, so that they say nothing
            return np.zeros(found.shape, np.float32)
        table = code_table(places[~inside], n_places, targets[~inside], weight)
        found[inside] = table[places[inside]].reshape(int(inside.sum()), -1)
    return found


def spread_folds(groups: IntArray, targets: FloatArray, n_folds: int, seed: int) -> IntArray:
    """The fold of each row, shape (n,), groups kept whole; where there are very many groups they are dealt at random."""
    _, inverse = np.unique(groups, return_inverse=True)
    n_groups = int(inverse.max()) + 1
    if n_groups <= _MANY_GROUPS:
        return assign_folds(groups, targets, min(n_folds, n_groups), seed)
    dealt = np.random.default_rng(seed).permutation(np.arange(n_groups) % n_folds)
    return np.asarray(dealt[inverse])


def _sums(places: IntArray, n_places: int, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums of the targets at each place, shape (n_places, m), and how many rows are there."""
    flat, n_fields = places.ravel(), places.shape[1]
    counts = np.bincount(flat, minlength=n_places)
    sums = [np.bincount(flat, np.repeat(column, n_fields), n_places) for column in targets.T]
    return np.stack(sums, axis=1), counts.astype(np.float64)
