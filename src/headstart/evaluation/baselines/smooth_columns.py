"""SmoothColumns: a smooth curve of all columns of a table together, near to a Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core.blocks import side_by_side
from headstart.core.errors import require
from headstart.evaluation.baseline import FittedBaseline, InterceptHead, sampled
from headstart.evaluation.field_networks import FieldNetworks
from headstart.evaluation.waves import WaveNetwork, fit_waves
from headstart.features.encoders import row_encoders
from headstart.features.encoders.categories import CategoryEncoder
from headstart.heads.problem import Problem
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Cost
    from headstart.storage.result_cache import Arrays

_LEVEL_WEIGHT = 0.7  # of the indicator of a level, beside the unit spread of a number and of its rank


@dataclass(frozen=True, kw_only=True)
class SmoothColumns:
    """Ridge on random waves of numbers, their ranks and levels of categories; tried for values alone, where it was found to help.

    Attributes
    ----------
    max_items : larger datasets are sampled, and the note says so: of many rows trees learn more
    """

    name: ClassVar[str] = "smooth-columns"
    title: ClassVar[str] = "a smooth model of the columns"
    preprocessor: ClassVar[str | None] = ColumnReader.kind
    modalities: ClassVar[frozenset[str]] = TABULAR
    cost: ClassVar[Cost] = "simple"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    is_for_values: ClassVar[bool] = True
    single_threaded: ClassVar[bool] = False
    max_items: int = 2000

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Learn encoders, the length of the waves, penalty and weights from the rows at `index`."""
        require("scipy", extra="train", purpose="fitting the smooth baseline")
        kept, said = sampled(index, self.max_items, context.seed)
        part = dataset.take(kept)
        encoders = [one.fit(part.items) for one in row_encoders(part.fields)]
        weights = [_LEVEL_WEIGHT if one.block.name == CategoryEncoder.name else 1.0 for one in encoders]
        encoded = [one.encode(part.items) for one in encoders]
        rows = [_dense(x) * weight for x, weight in zip(encoded, weights, strict=True)]
        arrays = self._waves(np.concatenate(rows, axis=1), part, context)
        places = side_by_side(one.block for one in encoders)
        networks = tuple(
            one.scoring(weight * arrays["columns"][place.columns])
            for one, weight, place in zip(encoders, weights, places, strict=True)
        )
        return FittedBaseline(
            name=self.name,
            network=WaveNetwork(
                columns=FieldNetworks(networks=networks, fields=(None,) * len(networks)),
                phase=arrays["phase"],
                coef=arrays["coef"],
            ),
            head=InterceptHead(intercept=arrays["intercept"], link=part.task_spec.link),
            note=f"waves of length {float(arrays['length']):g}{said}",
        )

    def _waves(self, rows: FloatArray, part: Dataset, context: RunContext) -> Arrays:
        groups = np.arange(len(part)) if part.groups is None else part.groups
        key = (f"{self.name} 1", part.task, context.seed, rows, part.targets, groups)

        def compute() -> Arrays:
            problem = Problem(features=rows, targets=part.targets, task=part.task, groups=groups, seed=context.seed)
            found = fit_waves(rows, problem)
            return {
                "columns": np.concatenate([found.directions, found.linear], axis=1),
                "phase": found.phase.astype(np.float32),
                "coef": found.coef.astype(np.float32),
                "intercept": found.intercept,
                "length": np.array(found.length),
            }

        return context.cache.get_or_compute(key, compute)


def _dense(x: FloatArray) -> FloatArray:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, np.float64)
