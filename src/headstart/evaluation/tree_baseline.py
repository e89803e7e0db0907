"""A baseline of boosted trees on the columns of a table, whatever library grows the trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.baseline import FittedBaseline, InterceptHead
from headstart.evaluation.boosted_columns import fit_tree_model, n_growths
from headstart.evaluation.rare_classes import sample_rare
from headstart.evaluation.tree_features import choose_features
from headstart.evaluation.tree_network import TreeNetwork, packed, unpacked
from headstart.sources.preprocessors.columns import TABULAR, learn_columns

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.boosted import Booster
    from headstart.evaluation.boosted_columns import Chosen
    from headstart.storage.result_cache import Arrays


_MAX_ROWS = 300_000
_MANY_ROWS = 50_000  # from which what an earlier fit chose is kept


@dataclass(frozen=True, kw_only=True)
class FittedTrees(FittedBaseline):
    """Fitted trees, and how they were grown; None where nothing of it is kept."""

    chosen: Chosen | None = None


def fit_tree_baseline(
    name: str,
    booster: Booster,
    dataset: Dataset,
    index: IntArray,
    *,
    context: RunContext,
    before: FittedTrees | None = None,
    max_rows: int = _MAX_ROWS,
) -> FittedTrees:
    """Learn from the rows at `index`.

    Parameters
    ----------
    name : the baseline's
    before : fitted on fewer of the rows: where these are many, trees are grown as they were there
    max_rows : more are sampled, rare classes kept whole, and the note says so
    """
    sample = sample_rare(dataset, index, max_rows, context.seed)
    part = dataset.take(sample.index)
    fields = [field for field in part.fields if field.modality in TABULAR]
    reader = learn_columns(part.items, fields, is_alone=len(part.fields) == 1)
    columns = reader.read(part.items)
    groups = np.arange(len(part)) if part.groups is None else part.groups
    chosen = before.chosen if before is not None and len(part) > _MANY_ROWS else None
    key = (f"{name} 6", part.task, context.seed, columns, reader.n_levels, part.targets, groups, repr(chosen))

    def compute() -> Arrays:
        growths = n_growths(booster, groups, part.targets.shape[1], is_chosen=chosen is not None)
        with context.progress(f"growing the trees of {name}", growths) as step:
            model = fit_tree_model(
                choose_features(reader, columns),
                columns,
                part.targets,
                part.task_spec,
                booster=booster,
                groups=groups,
                seed=context.seed,
                chosen=chosen,
                advance=step.advance,
            )
        return packed(model)

    model = unpacked(context.cache.get_or_compute(key, compute))
    return FittedTrees(
        name=name,
        network=TreeNetwork(input=reader, features=model.features, trees=model.trees, spread=model.spread),
        head=InterceptHead(intercept=model.intercept - sample.log_shares, link=part.task_spec.link),
        note=f"{model.note}{sample.note}",
        chosen=model.chosen,
    )
