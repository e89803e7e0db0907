"""ContinuedModel: boosted trees on the target's columns that go on from the score of a source of the user's own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import require
from headstart.evaluation.continued_trees import ContinuedTrees, fit_continued
from headstart.evaluation.mixed import Mixed, ScoredNetwork, linear_head
from headstart.evaluation.models import FittedModel
from headstart.evaluation.own_source import SourceScores, sum_of
from headstart.evaluation.tree_features import choose_features
from headstart.evaluation.tree_network import TreeNetwork
from headstart.heads.offset import fit_offset
from headstart.sources.preprocessors.columns import TABULAR, learn_columns

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Family
    from headstart.evaluation.tree_features import TreeFeatures
    from headstart.heads.offset import FittedOffset
    from headstart.sources.preprocessors.columns import ColumnReader

MAX_ROWS = 5000
"""Of more, so many are drawn: trees of the target alone then know as much (docs/log.md)."""


@dataclass(frozen=True)
class ContinuedModel:
    """A source's score, recalibrated, and trees that go on from it.

    Attributes
    ----------
    taken : of the last fit on each set of items: how many trees count; filled by fits
    """

    source: SourceScores
    taken: dict[bytes, ContinuedTrees] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The source, and the way."""
        return f"{self.source.name}, continued by trees"

    @property
    def family(self) -> Family:
        """The user's own, which counts more at first than other families."""
        return "own"

    @property
    def blocks(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Recalibrate the score and grow trees on the items at `index`, or on `MAX_ROWS` of them."""
        require("sklearn", extra="train", purpose="continuing a source by boosted trees")
        dataset, base, kept = experiment.dataset, self.source.of(experiment.dataset), np.asarray(index)
        if len(kept) > MAX_ROWS:
            kept = np.sort(np.random.default_rng(experiment.seed).choice(kept, MAX_ROWS, replace=False))
        targets, groups, task = dataset.targets[kept], experiment.groups[kept], dataset.task_spec
        start = fit_offset(
            base[kept],
            np.zeros((len(kept), 0)),
            targets,
            groups,
            task=task,
            seed=experiment.seed,
            kinds=("as it is", "recalibrated"),
        )
        fields = [field for field in dataset.fields if field.modality in TABULAR]
        items = dataset.items_at(kept)
        reader = learn_columns(items, fields, is_alone=len(dataset.fields) == 1)
        columns = reader.read(items)
        features = choose_features(reader, columns)
        trees = fit_continued(features.plain(columns), start.held_out, targets, groups, task=task, seed=experiment.seed)
        self.taken[index.tobytes()] = trees
        return FittedModel(
            outputs=lambda asked: task.outputs(
                start.slope * base[asked]
                + start.intercept
                + trees.added(features.plain(reader.read(dataset.items_at(asked))))
            ),
            predictor=lambda: self._predictor(experiment, start, trees, reader, features),
        )

    def _predictor(
        self,
        experiment: Experiment,
        start: FittedOffset,
        trees: ContinuedTrees,
        reader: ColumnReader,
        features: TreeFeatures,
    ) -> Mixed:
        k = trees.n_outputs
        scorers = [ScoredNetwork(network=self.source.network, n_outputs=k, field=self.source.field)]
        parts = [linear_head(np.eye(k) * start.slope, start.intercept)]
        if trees.trees is not None:
            network = TreeNetwork(input=reader, features=features, trees=trees.trees, spread=trees.spread)
            scorers.append(ScoredNetwork(network=network, n_outputs=k))
            parts.append(linear_head(np.eye(k)))
        return sum_of(self.name, scorers, parts, experiment)
