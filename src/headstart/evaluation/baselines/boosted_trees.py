"""BoostedTrees: gradient-boosted trees on the columns of a table; what any other model of tables must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.evaluation.boosted_columns import fit_tree_model
from headstart.evaluation.tree_features import choose_features
from headstart.evaluation.tree_network import TreeNetwork, packed, unpacked
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader, learn_columns

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.storage.result_cache import Arrays


@dataclass(frozen=True, kw_only=True)
class BoostedTrees:
    """Histogram-based boosting, its trees as large and as many as is best on held-out groups; the mean of the folds' models of few rows."""

    name: ClassVar[str] = "boosted-trees"
    title: ClassVar[str] = "boosted trees"
    preprocessor: ClassVar[str | None] = ColumnReader.kind
    modalities: ClassVar[frozenset[str]] = TABULAR
    cost: ClassVar[Cost] = "simple"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Learn from the rows at `index`."""
        require("sklearn", extra="train", purpose="fitting boosted trees")
        part = dataset.take(index)
        fields = [field for field in part.fields if field.modality in TABULAR]
        reader = learn_columns(part.items, fields, is_alone=len(part.fields) == 1)
        columns = reader.read(part.items)
        groups = np.arange(len(part)) if part.groups is None else part.groups
        key = ("boosted-trees 2", part.task, context.seed, columns, reader.n_levels, part.targets, groups)

        def compute() -> Arrays:
            features = choose_features(reader, columns)
            model = fit_tree_model(features, columns, part.targets, part.task_spec, groups=groups, seed=context.seed)
            return packed(model)

        model = unpacked(context.cache.get_or_compute(key, compute))
        return FittedBaseline(
            name=self.name,
            network=TreeNetwork(input=reader, features=model.features, trees=model.trees, spread=model.spread),
            head=InterceptHead(intercept=model.intercept, link=part.task_spec.link),
            note=model.note,
        )
