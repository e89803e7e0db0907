"""Plain blocks of one fit side by side: as columns, or as coordinates in the span of the training items where they are wide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.heads.kernel_basis import BlockGrams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.evaluation.plain_blocks import PlainBlock
    from headstart.heads.kernel_basis import KernelBasis

MAX_COLUMNS = 1000  # more are described in the span of the items
MAX_IN_SPAN = 1500  # items: the eigendecomposition of a Gram matrix takes 8 times as long with twice as many


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Features of the items that are learned from, and how a linear model of them is one of each block.

    Every block counts the same: its rows have a mean squared norm of 1.

    Attributes
    ----------
    features : shape (n, d), of the items at `index`
    index : positions that are learned from: those that were asked for, or `MAX_IN_SPAN` of them
    """

    blocks: tuple[PlainBlock, ...]
    index: IntArray

    @classmethod
    def of(cls, blocks: Sequence[PlainBlock], index: IntArray, *, seed: int = 0) -> SideBySide:
        """Of fitted blocks."""
        kept = np.asarray(index)
        if _width(blocks) > MAX_COLUMNS and len(kept) > MAX_IN_SPAN:
            kept = np.sort(np.random.default_rng(seed).choice(kept, MAX_IN_SPAN, replace=False))
        return cls(blocks=tuple(blocks), index=kept)

    @cached_property
    def _basis(self) -> KernelBasis | None:
        """Coordinates in the span of the items; None where the columns themselves are few."""
        if _width(self.blocks) <= MAX_COLUMNS:
            return None
        return BlockGrams.of([one.rows[self.index] for one in self.blocks]).basis([1.0] * len(self.blocks))

    @cached_property
    def _units(self) -> tuple[tuple[FloatArray, float], ...]:
        """Mean and factor of the columns of each block."""
        found = []
        for one in self.blocks:
            rows = dense(one.rows[self.index])
            norm = float(np.mean(np.square(rows - rows.mean(axis=0)).sum(axis=1)))
            found.append((rows.mean(axis=0), 1.0 / np.sqrt(norm) if norm > 0 else 0.0))
        return tuple(found)

    @property
    def features(self) -> FloatArray:
        """Shape (n, d)."""
        if not self.blocks:
            return np.zeros((len(self.index), 0))
        if self._basis is not None:
            return self._basis.coordinates
        parts = [
            (dense(one.rows[self.index]) - mean) * unit
            for one, (mean, unit) in zip(self.blocks, self._units, strict=True)
        ]
        return np.hstack(parts)

    def by_block(self, coef: FloatArray, intercept: FloatArray) -> tuple[tuple[FloatArray, ...], FloatArray]:
        """A linear model of `features`, (d, k) and (k,), as coefficients of each block's own columns and an intercept."""
        if not self.blocks:
            return (), np.asarray(intercept)
        if self._basis is not None:
            return self._basis.coef(coef, intercept)
        starts = np.cumsum([0, *(one.rows.shape[1] for one in self.blocks)])
        coefs, moved = [], np.array(intercept, np.float64)
        for i, (mean, unit) in enumerate(self._units):
            coefs.append(coef[starts[i] : starts[i + 1]] * unit)
            moved -= mean @ coefs[-1]
        return tuple(coefs), moved

    def scores(self, coefs: Sequence[FloatArray], intercept: FloatArray, asked: IntArray) -> FloatArray:
        """Of other items of the same dataset, shape (m, k)."""
        total: Any = np.broadcast_to(intercept, (len(asked), len(intercept)))
        for one, coef in zip(self.blocks, coefs, strict=True):
            total = total + np.asarray(one.rows[asked] @ coef)
        return np.asarray(total)


def dense(rows: Any) -> FloatArray:
    """Rows of a block, sparse or dense, as an array of doubles."""
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, np.float64)


def _width(blocks: Sequence[PlainBlock]) -> int:
    return int(sum(one.rows.shape[1] for one in blocks))
