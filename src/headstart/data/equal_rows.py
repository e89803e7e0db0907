"""Equal rows of a table: which are copies, and which are equal by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.similar_pairs import SimilarPairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray, IntArray

_BY_CHANCE = 0.01  # rows equal to one that are expected by chance: below it, an equal one is a copy
_LARGEST_SHARE, _LARGE = 0.2, 10
_FEWEST = 20  # groups that must be left to prove anything


def copied_rows(columns: Sequence[IntArray]) -> SimilarPairs:
    """Pair rows that are equal in all columns, where chance would hardly make them so.

    Ten thousand passengers have few combinations of class, sex and age group: rows are equal there without being copies, and a proof
    on combinations that are never seen would be of another question. So the chance that another row is equal is estimated, as if the
    columns were independent, from how frequent each value is among the different rows.

    Parameters
    ----------
    columns : codes of the values, each of shape (n,); equal values have equal codes

    >>> copied_rows([np.array([0, 1, 2, 0, *range(3, 99)])] * 3).left.tolist()
    [0]
    >>> len(copied_rows([np.array([0, 1] * 50)]))
    0
    """
    rows = number_rows(columns)
    _, first = np.unique(rows, return_index=True)
    surprise = sum((_surprise(column, first) for column in columns), np.zeros(len(first)))
    is_copied = len(rows) * np.exp(-surprise) < _BY_CHANCE  # (distinct rows,)
    counts = np.bincount(rows)
    n_groups = int(np.where(is_copied, 1, counts).sum())
    if n_groups < min(_FEWEST, len(rows)) or counts[is_copied].max(initial=0) > max(_LARGE, _LARGEST_SHARE * len(rows)):
        return SimilarPairs.none()
    return SimilarPairs.of_equal_numbers(rows).where_left(is_copied[rows])


def number_rows(columns: Sequence[IntArray]) -> IntArray:
    """Number the distinct rows, shape (n,).

    >>> number_rows([np.array([0, 1, 0]), np.array([5, 5, 5])]).tolist()
    [0, 1, 0]
    """
    rows = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes = column - column.min(initial=0)
        rows = np.unique(rows * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return rows


def _surprise(column: IntArray, distinct: IntArray) -> FloatArray:
    """How rare the value of each distinct row is among these, as a negative logarithm, shape (m,)."""
    _, codes, counts = np.unique(column[distinct], return_inverse=True, return_counts=True)
    surprise: FloatArray = -np.log(counts[codes] / len(distinct))
    return surprise
