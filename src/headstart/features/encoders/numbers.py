"""NumberEncoder: numbers and dates of a table, standardized, by rank, and with a flag where one is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import Block
from headstart.features.encoders.rank_curve import RankCurve, fit_rank_curve
from headstart.onnx_graph.arithmetic import Value
from headstart.sources.preprocessors.columns import DATE, NUMBER, ColumnReader, learn_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Field, FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder

_FARTHEST = 4.0  # standard deviations; farther values count as so far
_SMALLEST_SPREAD = 1e-30  # less is none: its inverse would be infinite
_CURVED = 3  # distinct values from which a rank says something else than the value


@dataclass(frozen=True, kw_only=True)
class NumberEncoder:
    """A column a quantity and one for its rank; constant ones are left out.

    Attributes
    ----------
    fields : that are read
    is_alone : whether items are the values of the one field, rather than rows
    max_knots : of the curve from values to ranks

    >>> from headstart.core.dataset import Field
    >>> fitted = NumberEncoder(fields=(Field("age", NUMBER),)).fit([{"age": 1.0}, {"age": 9.0}, {"age": np.nan}])
    >>> fitted.encode([{"age": 5.0}, {"age": np.nan}]).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """

    name: ClassVar[str] = "numbers"
    modality: ClassVar[str] = ColumnReader.modality
    joins_fields: ClassVar[bool] = True
    modalities: ClassVar[frozenset[str]] = frozenset({NUMBER, DATE})
    fields: tuple[Field, ...]
    is_alone: bool = False
    max_knots: int = 32

    def fit(self, values: Sequence[Any]) -> FittedNumbers:
        """Learn mean, spread and ranks of every quantity."""
        reader = learn_columns(values, self.fields, is_alone=self.is_alone)
        columns = reader.read(values)
        is_missing = np.isnan(columns)
        given = [
            np.unique(column[~gap], return_counts=True) for column, gap in zip(columns.T, is_missing.T, strict=True)
        ]
        mean = np.array([np.average(x, weights=n) if len(x) else 0.0 for x, n in given], np.float32)
        spread = np.array([_spread(x, n) for x, n in given])
        kept = np.flatnonzero(spread > _SMALLEST_SPREAD)
        curved = np.array([place for place in kept if len(given[place][0]) >= _CURVED], np.int64)
        return FittedNumbers(
            input=reader,
            kept=kept,
            mean=mean,
            scale=(1 / np.maximum(spread[kept], _SMALLEST_SPREAD)).astype(np.float32),
            curved=curved,
            curve=fit_rank_curve([given[place] for place in curved], self.max_knots),
            flagged=np.flatnonzero(is_missing.any(axis=0) & ~is_missing.all(axis=0)),
        )


@dataclass(frozen=True, kw_only=True)
class FittedNumbers:
    """Quantities to standardized columns, ranks and flags.

    Attributes
    ----------
    mean : shape (n_quantities,), which stands for a missing one
    kept, scale : the quantities that vary, shape (d,), and the inverse of their spread
    curved, curve : the quantities of which the rank is given too, and how
    flagged : the quantities of which it is said whether they are missing
    """

    input: ColumnReader
    mean: FloatArray
    kept: IntArray
    scale: FloatArray
    curved: IntArray
    curve: RankCurve
    flagged: IntArray

    @property
    def block(self) -> Block:
        """Values, ranks and flags side by side; a column of zeros where there are none."""
        n_columns = len(self.kept) + len(self.curved) + len(self.flagged)
        return Block(name=NumberEncoder.name, stop=max(1, n_columns), is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Give the columns of n rows, shape (n, d), float32."""
        columns = self.input.read(values)
        gaps = np.isnan(columns)
        filled = np.where(gaps, self.mean, columns)
        scaled = np.clip((filled[:, self.kept] - self.mean[self.kept]) * self.scale, -_FARTHEST, _FARTHEST)
        parts = [scaled, self.curve.ranks(filled[:, self.curved]), gaps[:, self.flagged].astype(np.float32)]
        found = np.concatenate(parts, axis=1, dtype=np.float32)
        return found if found.shape[1] else np.zeros((len(found), 1), np.float32)

    def scoring(self, coef: FloatArray) -> NumberNetwork:
        """Make the network of coefficients, shape (d, k)."""
        return NumberNetwork(encoder=self, coef=np.asarray(coef, np.float32))

    def add_nodes(self, graph: GraphBuilder, columns: str) -> str:
        """Add the nodes of `encode` after the value `columns`, (batch, n_quantities)."""
        x = Value(graph, columns, "float32")
        gaps = x.apply("IsNaN").typed("bool")
        filled = x.constant(self.mean).where(gaps, x)
        parts = []
        if len(self.kept):
            scaled = (_picked(filled, self.kept) - self.mean[self.kept]) * self.scale
            parts.append(scaled.at_least(-_FARTHEST).at_most(_FARTHEST))
        if len(self.curved):
            parts.append(self.curve.add_nodes(_picked(filled, self.curved)))
        if len(self.flagged):
            parts.append(_picked(gaps.cast("float32"), self.flagged))
        if not parts:
            parts.append(_picked(gaps.cast("float32"), np.array([0])) * 0)
        return graph.op("Concat", *(part.name for part in parts), axis=1)


@dataclass(frozen=True, kw_only=True)
class NumberNetwork:
    """Columns to scores; `coef` has shape (d, k), float32."""

    encoder: FittedNumbers
    coef: FloatArray

    @property
    def input(self) -> ColumnReader:
        """The reader of the encoder."""
        return self.encoder.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray(self.encoder.encode(items) @ self.coef)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of the columns and of their weighted sum."""
        columns = graph.input("columns", "float32", ["batch", self.input.width])
        return graph.op("MatMul", self.encoder.add_nodes(graph, columns), graph.constant(self.coef))


def _spread(values: FloatArray, counts: IntArray) -> float:
    """The standard deviation of values that come so often; 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    wide = values.astype(np.float64)
    return float(np.sqrt(np.average((wide - np.average(wide, weights=counts)) ** 2, weights=counts)))


def _picked(x: Value, places: IntArray) -> Value:
    """Some columns."""
    return x.apply("Gather", Value(x.graph, x.graph.constant(places)), axis=1)
