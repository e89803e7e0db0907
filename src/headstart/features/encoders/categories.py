"""CategoryEncoder: a column a level of each category of a table, rare levels together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import Block
from headstart.features.encoders.level_places import add_places, level_places
from headstart.sources.preprocessors.columns import CATEGORY, ColumnReader, learn_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Field, FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder

_NOTHING = -1  # the column of what is not encoded
_FEW_ROWS = 200  # up to here a level is rare that comes once, above it one that comes less than five times
_LEAST_COUNTS = (2, 5)


@dataclass(frozen=True, kw_only=True)
class CategoryEncoder:
    """Indicators of levels, of all rare levels of a field together, and of missing values; a new level has none.

    Attributes
    ----------
    fields : that are read
    is_alone : whether items are the values of the one field, rather than rows
    max_levels : of a field; others count as rare

    >>> from headstart.core.dataset import Field
    >>> fitted = CategoryEncoder(fields=(Field("job", CATEGORY),)).fit([{"job": job} for job in ("a", "b", "a", "b", "c")])
    >>> fitted.encode([{"job": "b"}, {"job": "c"}, {"job": "new"}]).toarray().tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """

    name: ClassVar[str] = "categories"
    modality: ClassVar[str] = ColumnReader.modality
    joins_fields: ClassVar[bool] = True
    modalities: ClassVar[frozenset[str]] = frozenset({CATEGORY})
    fields: tuple[Field, ...]
    is_alone: bool = False
    max_levels: int = 200

    def fit(self, values: Sequence[Any]) -> FittedCategories:
        """Learn the levels, and which of them come often enough for a column of their own."""
        reader = learn_columns(values, self.fields, is_alone=self.is_alone)
        places = level_places(reader.read(values), reader.n_levels)
        sizes = (reader.n_levels + 2).tolist()
        counts = np.split(np.bincount(places.ravel(), minlength=sum(sizes)), np.cumsum(sizes)[:-1])
        least = _LEAST_COUNTS[len(values) > _FEW_ROWS]
        columns, n_columns = [], 0
        for count in counts:
            own = _columns(count, least, self.max_levels)
            columns.append(np.where(own == _NOTHING, _NOTHING, own + n_columns))
            n_columns += int(own.max(initial=_NOTHING)) + 1
        return FittedCategories(input=reader, column_of=np.concatenate(columns), n_columns=n_columns)


@dataclass(frozen=True, kw_only=True)
class FittedCategories:
    """Levels to indicators.

    Attributes
    ----------
    column_of : the column of each place of `level_places`, -1 for none
    """

    input: ColumnReader
    column_of: IntArray
    n_columns: int

    @property
    def block(self) -> Block:
        """A column a level; one of zeros where there are none."""
        return Block(name=CategoryEncoder.name, stop=max(1, self.n_columns), is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> Any:
        """Give the indicators of n rows as a sparse matrix, shape (n, n_columns), float32."""
        from scipy import sparse

        columns = self.column_of[level_places(self.input.read(values), self.input.n_levels)]
        rows, fields = np.nonzero(columns != _NOTHING)
        ends = np.append(0, np.cumsum(np.bincount(rows, minlength=len(columns))))
        parts = (np.ones(len(rows), np.float32), columns[rows, fields].astype(np.int32), ends)
        return sparse.csr_matrix(parts, shape=(len(columns), self.block.stop))

    def scoring(self, coef: FloatArray) -> CategoryNetwork:
        """Make the network of coefficients, shape (n_columns, k)."""
        padded = np.concatenate([np.asarray(coef, np.float32), np.zeros((1, coef.shape[1]), np.float32)])
        return CategoryNetwork(input=self.input, table=padded[self.column_of])


@dataclass(frozen=True, kw_only=True)
class CategoryNetwork:
    """Levels to scores.

    Attributes
    ----------
    table : what each place of `level_places` adds, shape (n_places, k), float32
    """

    input: ColumnReader
    table: FloatArray

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        places = level_places(self.input.read(items), self.input.n_levels)
        return np.asarray(self.table[places].sum(axis=1))

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes that look up what each level adds."""
        columns = graph.input("columns", "float32", ["batch", self.input.width])
        places = add_places(graph, columns, self.input.n_levels)
        added = graph.op("Gather", graph.constant(self.table), places)  # (batch, n_fields, k)
        return graph.op("ReduceSum", added, graph.constant(np.array([1])), keepdims=0)


def _columns(counts: IntArray, least: int, most: int) -> IntArray:
    """The column of each place of one field; none at all where only one would ever be set.

    Parameters
    ----------
    counts : how often each place of the field was seen: a new level, the levels, commonest first, and a missing value
    """
    levels = counts[1:-1]
    n_own = int(np.count_nonzero(levels[:most] >= least))
    found = np.full(len(counts), _NOTHING)
    found[1 : 1 + n_own] = np.arange(n_own)
    n_columns = n_own
    for place in (np.arange(1 + n_own, 1 + len(levels)), np.array([len(counts) - 1])):
        if counts[place].sum() >= 1:
            found[place] = n_columns
            n_columns += 1
    return found if n_columns > 1 else np.full(len(counts), _NOTHING)
