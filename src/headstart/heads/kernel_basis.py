"""KernelBasis: blocks of any width as few coordinates in the span of the training items, each block with its own scale.

A penalized linear model on blocks side by side, with a penalty per block, needs no more than the weighted sum of the blocks' Gram
matrices: dividing the penalty of a block by s is multiplying its Gram matrix by s. The principal coordinates of that sum are features like any
others, at most one per item, so that 50,000 n-grams cost a Gram matrix and every head keeps its exact held-out scores. The
solution is mapped back to the columns of each block.

References
----------
Saunders, Gammerman and Vovk, Ridge regression learning algorithm in dual variables, ICML 1998.
Lanckriet et al., Learning the kernel matrix with semidefinite programming, JMLR 2004 (sums of kernels).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray

_MIN_EIGENVALUE = 1e-8  # relative to the largest; directions below it are numerical noise


@dataclass(frozen=True, kw_only=True)
class BlockGrams:
    """The Gram matrix of each block, centered and scaled to a mean diagonal of 1.

    Attributes
    ----------
    rows : one matrix per block, shape (n, d), sparse or dense
    means : mean row of each block, shape (d,)
    units : what each Gram matrix was multiplied by; 0 for a constant block
    """

    rows: tuple[Any, ...]
    means: tuple[FloatArray, ...]
    units: tuple[float, ...]
    grams: tuple[FloatArray, ...]

    @classmethod
    def of(cls, rows: Sequence[Any]) -> BlockGrams:
        """Compute them for the training items."""
        grams = [_gram(x) for x in rows]
        traces = [float(np.trace(gram)) / len(gram) for gram in grams]
        units = tuple(1 / trace if trace > 0 else 0.0 for trace in traces)
        return cls(
            rows=tuple(rows),
            means=tuple(np.asarray(x.mean(axis=0), np.float64).reshape(-1) for x in rows),
            units=units,
            grams=tuple(gram * unit for gram, unit in zip(grams, units, strict=True)),
        )

    def basis(self, scales: Sequence[float]) -> KernelBasis:
        """The principal coordinates of the sum of the Gram matrices, each times its scale >= 0."""
        total = np.zeros_like(self.grams[0])
        for scale, gram in zip(scales, self.grams, strict=True):
            if scale:
                total += scale * gram
        eigenvalues, vectors = np.linalg.eigh(total)
        keep = eigenvalues > _MIN_EIGENVALUE * max(float(eigenvalues[-1]), 1e-300)
        return KernelBasis(
            blocks=self, scales=tuple(scales), roots=np.sqrt(eigenvalues[keep]), vectors=vectors[:, keep]
        )


@dataclass(frozen=True, kw_only=True)
class KernelBasis:
    """Coordinates of items under one choice of scales.

    Attributes
    ----------
    roots : shape (r,), square roots of the eigenvalues
    vectors : shape (n, r), eigenvectors
    """

    blocks: BlockGrams
    scales: tuple[float, ...]
    roots: FloatArray
    vectors: FloatArray

    @cached_property
    def coordinates(self) -> FloatArray:
        """Of the training items, shape (n, r)."""
        return self.vectors * self.roots

    def coef(self, along: FloatArray, intercept: FloatArray) -> tuple[tuple[FloatArray, ...], FloatArray]:
        """Map a linear model of the coordinates, (r, k) and (k,), to the columns of each block, (d, k), and an intercept (k,)."""
        dual = self.vectors @ (
            along / self.roots[:, None]
        )  # (n, k); its columns sum to zero, as the Gram matrices are centered
        blocks, moved = [], np.array(intercept, np.float64)
        for x, mean, unit, scale in zip(
            self.blocks.rows, self.blocks.means, self.blocks.units, self.scales, strict=True
        ):
            coef = np.asarray(x.T @ dual) * (unit * scale)
            blocks.append(coef)
            moved -= mean @ coef
        return tuple(blocks), moved


def _gram(x: Any) -> FloatArray:
    """Inner products of the centered rows, shape (n, n)."""
    product = x @ x.T
    gram: FloatArray = np.asarray(product.toarray() if hasattr(product, "toarray") else product, np.float64)
    means = gram.mean(axis=0)
    return gram - means - means[:, None] + means.mean()
