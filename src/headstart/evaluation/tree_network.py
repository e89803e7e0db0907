"""TreeNetwork: columns of a table to the scores of boosted trees, in NumPy and in a graph."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.evaluation.boosted import Shape
from headstart.evaluation.boosted_columns import Chosen, TreeModel
from headstart.evaluation.tree_features import TreeFeatures
from headstart.evaluation.trees import Trees
from headstart.heads.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.columns import ColumnReader
    from headstart.storage.result_cache import Arrays


_FEATURES, _TREES = "features.", "trees."


@dataclass(frozen=True, kw_only=True)
class TreeNetwork:
    """A `ScoringNetwork`; `spread` is what each target of the trees adds to each score, shape (n_targets, k)."""

    input: ColumnReader
    features: TreeFeatures
    trees: Trees
    spread: FloatArray

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        rows = self.features.rows(self.input.read(items))
        return np.asarray(self.trees.predict(rows) @ self.spread)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of the features, of the trees, and of what they add to each score."""
        columns = graph.input("columns", "float32", ["batch", self.input.width])
        sums = self.trees.extend(graph, self.features.add_nodes(graph, columns))
        return graph.op("MatMul", sums, graph.constant(self.spread.astype(np.float32)))


def packed(model: TreeModel) -> Arrays:
    """A model as arrays, for the result cache."""
    own = {"spread": model.spread, "intercept": model.intercept, "note": np.array(model.note)}
    own["chosen"] = np.zeros(0) if model.chosen is None else _numbers(model.chosen)
    parts = {_FEATURES: vars(model.features), _TREES: vars(model.trees)}
    return own | {part + name: np.asarray(value) for part, held in parts.items() for name, value in held.items()}


def unpacked(arrays: Arrays) -> TreeModel:
    """The model of `packed` arrays."""
    trees: dict[str, Any] = {one.name: arrays[_TREES + one.name] for one in fields(Trees)}
    trees["n_targets"] = int(trees["n_targets"])
    return TreeModel(
        features=TreeFeatures(**{one.name: arrays[_FEATURES + one.name] for one in fields(TreeFeatures)}),
        trees=Trees(**trees),
        spread=arrays["spread"],
        intercept=arrays["intercept"],
        note=str(arrays["note"]),
        chosen=_chosen(arrays["chosen"]) if len(arrays["chosen"]) else None,
    )


def _numbers(chosen: Chosen) -> FloatArray:
    shape, calibration = chosen.shape, chosen.calibration
    grown = [shape.leaves, shape.least, shape.l2, shape.features, chosen.stages]
    return np.array([*grown, calibration.slope, calibration.loss, *calibration.intercept])


def _chosen(numbers: FloatArray) -> Chosen:
    leaves, least, l2, features, stages, slope, loss, *intercept = map(float, numbers)
    return Chosen(
        shape=Shape(leaves=int(leaves), least=int(least), l2=l2, features=features),
        stages=int(stages),
        calibration=Calibration(slope=slope, intercept=np.array(intercept), loss=loss),
    )
