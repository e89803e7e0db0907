"""TreeFeatures: what trees look at in a table: quantities as they are, indicators of levels, and target codes of categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.features.encoders.level_places import add_places, level_places
from headstart.onnx_graph.arithmetic import Value

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.columns import ColumnReader

_FEW_LEVELS = 8  # of which each has an indicator, and target codes are not needed
_N_INDICATED = 4  # of the levels of other fields, the commonest


@dataclass(frozen=True, kw_only=True)
class TreeFeatures:
    """Columns of a `ColumnReader` to features.

    Attributes
    ----------
    quantities : columns that are features as they are
    categories : columns that hold codes of levels
    n_levels : of each of the categories
    indicated : which of the categories, and which place of `level_places`, each indicator is of, shape (n_indicators, 2)
    coded : which of the categories have target codes
    table : the target codes of each place, shape (n_places, m), float32
    """

    quantities: IntArray
    categories: IntArray
    n_levels: IntArray
    indicated: IntArray
    coded: IntArray
    table: FloatArray

    @property
    def n_plain(self) -> int:
        """How many features owe nothing to targets; they come first, and then m codes a field."""
        return len(self.quantities) + len(self.indicated)

    def places(self, columns: FloatArray) -> IntArray:
        """The places of the categories that have codes, shape (n, n_coded)."""
        return level_places(columns[:, self.categories], self.n_levels)[:, self.coded]

    def plain(self, columns: FloatArray) -> FloatArray:
        """The features without codes, shape (n, n_plain), float32."""
        places = level_places(columns[:, self.categories], self.n_levels)
        indicators = places[:, self.indicated[:, 0]] == self.indicated[:, 1]
        return np.concatenate([columns[:, self.quantities], indicators], axis=1, dtype=np.float32)

    def rows(self, columns: FloatArray) -> FloatArray:
        """All features, shape (n, d), float32."""
        codes = self.table[self.places(columns)].reshape(len(columns), len(self.coded) * self.table.shape[1])
        return np.concatenate([self.plain(columns), codes], axis=1, dtype=np.float32)

    def add_nodes(self, graph: GraphBuilder, columns: str) -> str:
        """Add the nodes of `rows` after the value `columns`, (batch, width)."""
        parts = [graph.op("Gather", columns, graph.constant(self.quantities), axis=1)] if len(self.quantities) else []
        if len(self.categories):
            held = graph.op("Gather", columns, graph.constant(self.categories), axis=1)
            places = Value(graph, add_places(graph, held, self.n_levels), "int64")
            if len(self.indicated):
                parts.append(_picked(places, self.indicated[:, 0]).equals(self.indicated[:, 1]).cast("float32").name)
            if self.coded.size and self.table.shape[1]:
                codes = graph.op("Gather", graph.constant(self.table), _picked(places, self.coded).name)
                width = len(self.coded) * self.table.shape[1]
                parts.append(Value(graph, codes, "float32").shaped(-1, width).name)
        return graph.op("Concat", *parts, axis=1)


def choose_features(reader: ColumnReader, columns: FloatArray) -> TreeFeatures:
    """Choose indicators and the categories to code by how many levels there are; the table is empty yet."""
    categories, n_levels = reader.coded, reader.n_levels
    places = level_places(columns[:, categories], n_levels)
    firsts = np.append(0, np.cumsum(n_levels + 2))[:-1] + 1
    indicated = []
    for i, (first, n) in enumerate(zip(firsts, n_levels, strict=True)):
        shown = n if n <= _FEW_LEVELS else _N_INDICATED
        shown -= int(n == 2 and places[:, i].max(initial=0) < first + n)  # one of two says all where none is missing
        indicated += [(i, first + level) for level in range(int(shown))]
    if not indicated and not len(reader.quantities) and not (n_levels > _FEW_LEVELS).any():
        indicated = [(0, firsts[0] + n_levels[0])]  # trees need a feature, if only one that says what is missing
    return TreeFeatures(
        quantities=reader.quantities,
        categories=categories,
        n_levels=n_levels,
        indicated=np.array(indicated, np.int64).reshape(-1, 2),
        coded=np.flatnonzero(n_levels > _FEW_LEVELS),
        table=np.zeros((int((n_levels + 2).sum()), 0), np.float32),
    )


def _picked(x: Value, places: IntArray) -> Value:
    """Some columns."""
    return x.apply("Gather", Value(x.graph, x.graph.constant(np.ascontiguousarray(places))), axis=1)
