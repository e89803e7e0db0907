"""CatBoostTrees: boosted trees as CatBoost grows them, where it is installed.

Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, NeurIPS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import require
from headstart.evaluation.catboost_trees import CATBOOST
from headstart.evaluation.tree_baseline import fit_tree_baseline
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Cost
    from headstart.evaluation.tree_baseline import FittedTrees


@dataclass(frozen=True, kw_only=True)
class CatBoostTrees:
    """Symmetric trees, as many as are best on held-out groups; the mean of the folds' models of few rows."""

    name: ClassVar[str] = "catboost"
    title: ClassVar[str] = "boosted trees of CatBoost"
    library: ClassVar[str] = "catboost"
    preprocessor: ClassVar[str | None] = ColumnReader.kind
    modalities: ClassVar[frozenset[str]] = TABULAR
    cost: ClassVar[Cost] = "full"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedTrees:
        """Learn from the rows at `index`."""
        require(self.library, extra="boost", purpose="fitting trees of CatBoost")
        return fit_tree_baseline(self.name, CATBOOST, dataset, index, context=context)

    def refit(self, dataset: Dataset, index: IntArray, before: FittedTrees, *, context: RunContext) -> FittedTrees:
        """Learn from the rows at `index`, of which `before` was fitted on a part."""
        return fit_tree_baseline(self.name, CATBOOST, dataset, index, context=context, before=before)
