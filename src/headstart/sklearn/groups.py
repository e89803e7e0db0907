"""Which rows are held out together while an estimator is fitted: those of one group, and near-duplicates."""
# ruff: noqa: E402  scikit-learn may be imported only once it is known to be there

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Field
from headstart.core.errors import require
from headstart.data.near_duplicates import join_similar_items
from headstart.data.rows import Rows
from headstart.data.similar_features import join_similar_features
from headstart.sklearn.rows import cleaned

require("sklearn", extra="train", purpose="headstart.sklearn")
from sklearn.utils import column_or_1d

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.sources import AnySource


def group_numbers(groups: Any) -> IntArray:
    """Number the groups that were given, shape (n,).

    Raises
    ------
    ValueError
        There is one group alone.
    """
    numbers: IntArray = np.unique(column_or_1d(groups), return_inverse=True)[1]
    if not numbers.any():
        raise ValueError("groups holds one group; at least 2 are needed to hold one out. Name more, or give none.")
    return numbers


def join_features(features: FloatArray, given: IntArray | None) -> IntArray:
    """Number the rows of features that are held out together, shape (n,): near-duplicates, and the given groups."""
    return _several(join_similar_features(features, given).groups, given)


def join_items(
    items: list[Any] | Rows | None, source: AnySource, fields: tuple[Field, ...], given: IntArray | None
) -> IntArray:
    """The same of items, by their contents."""
    assert items is not None
    rows = cleaned(items, fields) if isinstance(items, Rows) else items
    return _several(join_similar_items(rows, fields or (Field("input", source.modality),), given).groups, given)


def _several(joined: IntArray, given: IntArray | None) -> IntArray:
    if joined.any():
        return joined
    return np.arange(len(joined)) if given is None else given  # all are alike: there is nothing to leak
