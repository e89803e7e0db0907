"""ContextColumns: the columns of a table as an in-context network reads them, fitted on the context alone.

As TabPFN was evaluated (arXiv:2207.01848): standardized, as they are and after a power transform, outliers drawn in, 0 where
a value is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.power_transform import PowerTransform, fit_power

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder

    Floats = NDArray[np.float32]

_TINY = 1e-6
_HUGE = 1e38  # by which everything is nothing
_FARTHEST = 100.0  # standard deviations
_OUTLIER = 4.0


@dataclass(frozen=True, kw_only=True)
class View:
    """One way to look at standardized columns.

    Attributes
    ----------
    power : applied first; None for none
    low, high : beyond which only the logarithm of a value counts, shape (d,)
    """

    power: PowerTransform | None
    low: Floats
    high: Floats

    def apply(self, x: Floats) -> Floats:
        """Standardized values (n, d), of which none is missing, as they are seen here."""
        if self.power is not None:
            x = self.power.apply(x)
        reach = np.log1p(np.abs(x))
        x = np.maximum(self.low - reach, x)
        return np.minimum(self.high + np.log1p(np.abs(x)), x)

    def extend(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes of `apply`."""
        if self.power is not None:
            x = self.power.extend(graph, x)
        x = graph.op("Max", graph.op("Sub", graph.constant(self.low), _reach(graph, x)), x)
        return graph.op("Min", graph.op("Add", graph.constant(self.high), _reach(graph, x)), x)


@dataclass(frozen=True, kw_only=True)
class ContextColumns:
    """Columns that are read, and how.

    Attributes
    ----------
    columns : places of the d columns that are read, those that say most of the target where there are too many
    mean, deviation : shape (d,)
    views : ways to look at them
    """

    columns: IntArray
    mean: Floats
    deviation: Floats
    views: tuple[View, ...]

    def apply(self, rows: Floats) -> Floats:
        """Rows (n, n_columns), NaN where a value is missing, in every view: shape (n_views, n, d)."""
        x = np.asarray(rows, np.float32)[:, self.columns]
        is_missing = np.isnan(x)
        with np.errstate(over="ignore"):  # what is infinite after it is clipped
            x = (np.where(is_missing, self.mean, x) - self.mean) / self.deviation
        x = np.clip(x, -_FARTHEST, _FARTHEST)
        return np.stack([np.where(is_missing, np.float32(0), view.apply(x)) for view in self.views])

    def extend(self, graph: GraphBuilder, rows: str) -> str:
        """Add the nodes of `apply` after the value `rows`, float32, (batch, n_columns)."""
        x = graph.op("Gather", rows, graph.constant(self.columns), axis=1)
        is_missing, mean = graph.op("IsNaN", x), graph.constant(self.mean)
        x = graph.op("Sub", graph.op("Where", is_missing, mean, x), mean)
        x = graph.op("Div", x, graph.constant(self.deviation))
        x = graph.op("Clip", x, graph.constant(np.float32(-_FARTHEST)), graph.constant(np.float32(_FARTHEST)))
        zero, first = graph.constant(np.float32(0)), graph.constant(np.array([0]))
        seen = [graph.op("Where", is_missing, zero, view.extend(graph, x)) for view in self.views]
        return graph.op("Concat", *(graph.op("Unsqueeze", one, first) for one in seen), axis=0)


def fit_columns(rows: Floats, codes: IntArray, *, max_columns: int) -> ContextColumns:
    """Learn the columns from labeled rows.

    Parameters
    ----------
    rows : shape (n, n_columns), NaN where a value is missing
    codes : class of each row, shape (n,)
    max_columns : how many are read at most; constant ones never are
    """
    known = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    varies = np.array([_varies(column) for column in known.T], bool)
    columns = np.flatnonzero(varies) if varies.any() else np.array([0])
    if len(columns) > max_columns:
        columns = np.sort(columns[np.argsort(-_relation(known[:, columns], codes), kind="stable")[:max_columns]])
    known = known[:, columns] if varies.any() else np.zeros((len(known), 1))
    mean, deviation = np.nanmean(known, axis=0), _spread(known) + (_TINY if varies.any() else _HUGE)
    x = np.clip((known - mean) / deviation, -_FARTHEST, _FARTHEST)
    return ContextColumns(
        columns=columns,
        mean=mean.astype(np.float32),
        deviation=deviation.astype(np.float32),
        views=tuple(_views(x)),
    )


def _views(x: FloatArray) -> Iterator[View]:
    for power in (None, fit_power(x)):
        seen = x if power is None else power.apply(x)
        low, high = _bounds(seen, np.full(seen.shape[1], -np.inf), np.full(seen.shape[1], np.inf))
        low, high = _bounds(seen, low, high)
        yield View(power=power, low=low.astype(np.float32), high=high.astype(np.float32))


def _spread(known: FloatArray) -> FloatArray:
    """Standard deviation of each column."""
    n = (~np.isnan(known)).sum(axis=0)
    spread: FloatArray = np.sqrt(np.nansum((known - np.nanmean(known, axis=0)) ** 2, axis=0) / np.maximum(n - 1, 1))
    return spread


def _bounds(x: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where outliers begin, by what lies within these bounds."""
    within = np.where((x >= low) & (x <= high), x, np.nan)
    n = np.maximum((~np.isnan(within)).sum(axis=0), 2)
    mean = np.nansum(within, axis=0) / n
    reach = _OUTLIER * np.sqrt(np.nansum((within - mean) ** 2, axis=0) / (n - 1))
    return mean - reach, mean + reach


def _varies(column: FloatArray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) > 1 and bool((known != known[0]).any())


def _relation(known: FloatArray, codes: IntArray) -> FloatArray:
    """Share of the variance of each column's ranks that lies between the classes, shape (n_columns,)."""
    filled = np.where(np.isnan(known), np.nanmedian(known, axis=0), known)
    ranks = np.argsort(np.argsort(filled, axis=0, kind="stable"), axis=0, kind="stable").astype(np.float64)
    ranks -= ranks.mean(axis=0)
    of_class = np.eye(int(codes.max()) + 1)[codes]
    sums = of_class.T @ ranks
    sizes = np.maximum(of_class.sum(axis=0), 1)
    share: FloatArray = (sums**2 / sizes[:, None]).sum(axis=0) / np.maximum((ranks**2).sum(axis=0), _TINY)
    return share


def _reach(graph: GraphBuilder, x: str) -> str:
    return graph.op("Log", graph.op("Add", graph.op("Abs", x), graph.constant(np.float32(1))))
