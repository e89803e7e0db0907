"""A baseline of boosted trees on the columns of a table, whatever library grows the trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.baseline import FittedBaseline, InterceptHead
from headstart.evaluation.boosted_columns import fit_tree_model
from headstart.evaluation.tree_features import choose_features
from headstart.evaluation.tree_network import TreeNetwork, packed, unpacked
from headstart.sources.preprocessors.columns import TABULAR, learn_columns

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.boosted import Booster
    from headstart.storage.result_cache import Arrays


def fit_tree_baseline(
    name: str, booster: Booster, dataset: Dataset, index: IntArray, *, context: RunContext
) -> FittedBaseline:
    """Learn from the rows at `index`; `name` is the baseline's."""
    part = dataset.take(index)
    fields = [field for field in part.fields if field.modality in TABULAR]
    reader = learn_columns(part.items, fields, is_alone=len(part.fields) == 1)
    columns = reader.read(part.items)
    groups = np.arange(len(part)) if part.groups is None else part.groups
    key = (f"{name} 4", part.task, context.seed, columns, reader.n_levels, part.targets, groups)

    def compute() -> Arrays:
        features = choose_features(reader, columns)
        model = fit_tree_model(
            features, columns, part.targets, part.task_spec, booster=booster, groups=groups, seed=context.seed
        )
        return packed(model)

    model = unpacked(context.cache.get_or_compute(key, compute))
    return FittedBaseline(
        name=name,
        network=TreeNetwork(input=reader, features=model.features, trees=model.trees, spread=model.spread),
        head=InterceptHead(intercept=model.intercept, link=part.task_spec.link),
        note=model.note,
    )
