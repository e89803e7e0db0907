"""XgBoostTrees: boosted trees as XGBoost grows them, where it is installed.

Chen, Guestrin, XGBoost: a scalable tree boosting system, KDD 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import require
from headstart.evaluation.tree_baseline import fit_tree_baseline
from headstart.evaluation.xgboost_trees import XGBOOST
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Cost, FittedBaseline


@dataclass(frozen=True, kw_only=True)
class XgBoostTrees:
    """Trees that grow leaf by leaf, as many as are best on held-out groups; the mean of the folds' models of few rows."""

    name: ClassVar[str] = "xgboost"
    title: ClassVar[str] = "boosted trees of XGBoost"
    library: ClassVar[str] = "xgboost"
    preferred: ClassVar[tuple[str, ...]] = ("catboost", "lightgbm")
    preprocessor: ClassVar[str | None] = ColumnReader.kind
    modalities: ClassVar[frozenset[str]] = TABULAR
    cost: ClassVar[Cost] = "full"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Learn from the rows at `index`."""
        require(self.library, extra="boost", purpose="fitting trees of XGBoost")
        return fit_tree_baseline(self.name, XGBOOST, dataset, index, context=context)
