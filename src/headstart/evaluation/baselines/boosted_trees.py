"""BoostedTrees: gradient-boosted trees on the columns of a table; what any other model of tables must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import require
from headstart.evaluation.histogram_boosting import HISTOGRAMS
from headstart.evaluation.tree_baseline import fit_tree_baseline
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Cost
    from headstart.evaluation.tree_baseline import FittedTrees


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

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedTrees:
        """Learn from the rows at `index`."""
        require("sklearn", extra="train", purpose="fitting boosted trees")
        return fit_tree_baseline(self.name, HISTOGRAMS, dataset, index, context=context)

    def refit(self, dataset: Dataset, index: IntArray, before: FittedTrees, *, context: RunContext) -> FittedTrees:
        """Learn from the rows at `index`, of which `before` was fitted on a part."""
        return fit_tree_baseline(self.name, HISTOGRAMS, dataset, index, context=context, before=before)
