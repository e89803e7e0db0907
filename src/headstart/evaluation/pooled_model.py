"""PooledModel: boosted trees on the target's rows and those of another table of the user's, which ships as trees on the target's columns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import require
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.evaluation.mixed import of_scores
from headstart.evaluation.models import FittedModel
from headstart.evaluation.pooled_trees import Labeled, PooledTrees, fit_pooled
from headstart.evaluation.target_codes import N_FOLDS, code_table, cross_fitted_codes, spread_folds
from headstart.evaluation.tree_features import choose_features
from headstart.evaluation.tree_network import TreeNetwork
from headstart.sources.preprocessors.columns import learn_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Field, FloatArray, IntArray
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Family
    from headstart.evaluation.tree_features import TreeFeatures

_CODE_WEIGHT = 5.0  # rows that the mean of all counts in the code of a level
_MAX_CODED = 6


@dataclass(frozen=True, eq=False)
class OtherRows:
    """Rows of another table as rows of the target.

    Attributes
    ----------
    fields : of a table, in the target
    columns : the other's values of each of them, by name
    targets : shape (n, k), of the target's labels
    """

    name: str
    fields: tuple[Field, ...]
    columns: Mapping[str, Sequence[Any]]
    targets: FloatArray

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class PooledModel:
    """Trees on both tables.

    Attributes
    ----------
    taken : of the last fit on each set of items: how much the other's rows count; filled by fits
    """

    other: OtherRows
    taken: dict[bytes, PooledTrees] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The table, and the way."""
        return f"trees on the rows of {self.other.name} too"

    @property
    def family(self) -> Family:
        """The user's own, which counts more at first than other families."""
        return "own"

    @property
    def blocks(self) -> frozenset[str]:
        """The other table."""
        return frozenset({self.other.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit on the items at `index` and all rows of the other table."""
        require("sklearn", extra="train", purpose="fitting boosted trees on two tables")
        dataset, other = experiment.dataset, self.other
        is_alone, task = len(dataset.fields) == 1, dataset.task_spec
        names = [field.name for field in other.fields]
        own_part = dataset.take(index)
        own = {name: own_part.values_of(name) for name in names}
        both = {name: joined(own[name], other.columns[name]) for name in names}
        reader = learn_columns(_items(both, is_alone=is_alone), other.fields, is_alone=is_alone)
        columns = reader.read(_items(both, is_alone=is_alone))
        features, other_rows = _coded(
            choose_features(reader, columns), columns[len(index) :], other.targets, experiment.seed
        )
        fitted = fit_pooled(
            Labeled(rows=features.rows(columns[: len(index)]), targets=own_part.targets),
            Labeled(rows=other_rows, targets=other.targets),
            experiment.groups[index],
            task=task,
            seed=experiment.seed,
        )
        self.taken[index.tobytes()] = fitted
        network = TreeNetwork(input=reader, features=features, trees=fitted.trees, spread=fitted.spread)
        return FittedModel(
            outputs=lambda asked: task.outputs(network.scores(dataset.items_at(asked)) + fitted.intercept),
            predictor=lambda: of_scores(self.name, network, fitted.intercept, task.link),
        )


def joined(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    """Values of one field of two tables, one behind the other, packed if they are.

    >>> list(joined(Numbers([1.0]), Numbers([2.0])))
    [1.0, 2.0]
    """
    if isinstance(first, Numbers) and isinstance(second, Numbers):
        return Numbers(np.concatenate([first.array, second.array]))
    values = [*first, *second]
    return Categories.of(values) if isinstance(first, Categories) else values


def _items(columns: Mapping[str, Sequence[Any]], *, is_alone: bool) -> Sequence[Any]:
    return next(iter(columns.values())) if is_alone else Rows(columns)


def _coded(
    features: TreeFeatures, columns: FloatArray, targets: FloatArray, seed: int
) -> tuple[TreeFeatures, FloatArray]:
    """Features whose target codes are learned from the other table alone, and its rows, with codes of other folds of it."""
    plain = features.plain(columns)
    if not len(features.coded):
        return features, plain
    values = targets[:, 1:] if targets.shape[1] == 2 else targets[:, :_MAX_CODED]
    places, n_places = features.places(columns), len(features.table)
    folds = spread_folds(np.arange(len(values)), values, N_FOLDS, seed)
    codes = cross_fitted_codes(places, n_places, values, folds, _CODE_WEIGHT)
    table = code_table(places, n_places, values, _CODE_WEIGHT)
    return replace(features, table=table), np.concatenate([plain, codes], axis=1)
