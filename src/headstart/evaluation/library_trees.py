"""Trees as a library of boosting tells them, one by one, put behind one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class LibraryTree:
    """One tree, its m inner nodes first, the root before all, then its leaves.

    Attributes
    ----------
    left, right : children of the inner nodes, counted within the tree, shape (m,)
    feature, threshold, missing_left : of the inner nodes, as in `Trees`, shape (m,)
    leaf_values : shape (n_leaves,)
    """

    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    leaf_values: FloatArray

    @property
    def n_nodes(self) -> int:
        """Inner nodes and leaves."""
        return len(self.left) + len(self.leaf_values)


def join_stages(parts: Sequence[LibraryTree], n_targets: int, stages: int) -> Trees:
    """Put the trees of all stages behind one another; a library that stopped early is given leaves of 0 for the rest.

    Parameters
    ----------
    parts : `n_targets` trees a stage, stage after stage
    """
    parts = [*parts, *[_NOTHING] * (stages * n_targets - len(parts))]
    sizes = [part.n_nodes for part in parts]
    roots = np.cumsum([0, *sizes])[:-1].astype(np.int64)

    def children(side: str) -> IntArray:
        return np.concatenate(
            [
                root + np.append(getattr(part, side), np.arange(len(part.left), part.n_nodes))
                for part, root in zip(parts, roots, strict=True)
            ]
        ).astype(np.int64)

    def of_inner(name: str) -> NDArray[np.generic]:
        return np.concatenate(
            [np.pad(getattr(part, name), (0, len(part.leaf_values)), constant_values=0) for part in parts]
        )

    return Trees(
        roots=roots,
        target=np.tile(np.arange(n_targets), stages),
        left=children("left"),
        right=children("right"),
        feature=of_inner("feature").astype(np.int64),
        threshold=of_inner("threshold").astype(np.float32),
        missing_left=of_inner("missing_left").astype(bool),
        value=np.concatenate([np.pad(part.leaf_values, (len(part.left), 0)) for part in parts]).astype(np.float32),
        n_targets=n_targets,
    )


_NONE = np.zeros(0, np.int64)
_NOTHING = LibraryTree(
    left=_NONE,
    right=_NONE,
    feature=_NONE,
    threshold=_NONE.astype(np.float32),
    missing_left=_NONE.astype(bool),
    leaf_values=np.zeros(1),
)
