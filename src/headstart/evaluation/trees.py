"""Trees: boosted trees as arrays, computed by NumPy and by one ONNX node; missing values go where they went in training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder

_CHUNK_LEAVES = 1 << 18  # of how many rows and trees leaves are sought at a time


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Trees one after the other, each adding to one of the targets; an item goes left where its feature is at most the threshold.

    Attributes
    ----------
    roots : first node of each tree, shape (n_trees,)
    target : that each tree adds to, shape (n_trees,)
    left, right : children of each node, shape (n_nodes,); a leaf is its own child
    feature : that a node looks at, shape (n_nodes,)
    threshold : float32, shape (n_nodes,)
    missing_left : whether an item whose feature is NaN goes left, shape (n_nodes,)
    value : what a leaf adds, shape (n_nodes,), float32
    n_targets : one or more
    """

    roots: IntArray
    target: IntArray
    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float32]
    n_targets: int

    def __len__(self) -> int:
        return len(self.roots)

    def predict(self, rows: FloatArray) -> FloatArray:
        """The sums over the trees, shape (n, n_targets); rows are float32, (n, d)."""
        adding = np.eye(self.n_targets)[self.target]
        return np.concatenate([leaves @ adding for leaves in self._chunks(rows)])

    def staged(self, rows: FloatArray, stages: Sequence[int]) -> FloatArray:
        """The sums over the first so many trees, shape (n_stages, n, n_targets)."""
        parts = []
        for leaves in self._chunks(rows):
            sums = np.zeros((len(stages), len(leaves), self.n_targets))
            for j in range(self.n_targets):
                own = np.flatnonzero(self.target == j)
                so_far = np.concatenate([np.zeros((len(leaves), 1)), np.cumsum(leaves[:, own], axis=1)], axis=1)
                sums[:, :, j] = so_far[:, np.searchsorted(own, stages)].T
            parts.append(sums)
        return np.concatenate(parts, axis=1)

    def first(self, n_trees: int) -> Trees:
        """Keep the first so many trees."""
        n_nodes = int(self.roots[n_trees]) if n_trees < len(self) else len(self.left)
        nodes = {name: getattr(self, name)[:n_nodes] for name in _BY_NODE}
        return replace(self, roots=self.roots[:n_trees], target=self.target[:n_trees], **nodes)

    def using(self, places: IntArray, share: float = 1.0) -> Trees:
        """The same trees on other rows, where feature i stands at `places[i]`, and with leaves of that share."""
        value = (self.value * share).astype(np.float32)
        return replace(self, feature=np.asarray(places)[self.feature], value=value)

    def with_value(self, feature: int, value: float) -> Trees:
        """The trees that are left where a feature has this value in all rows: no node looks at it."""
        own = np.arange(len(self.left))
        is_known = (self.feature == feature) & (self.left != own)
        taken = np.where(value <= self.threshold, self.left, self.right)
        to = np.where(is_known, taken, own)
        while not np.array_equal(to[to], to):
            to = to[to]
        left, right, roots = to[self.left], to[self.right], to[self.roots]
        parts = []
        for root in roots:  # each tree in the order in which its nodes are reached, its root first
            reached = [int(root)]
            for node in reached:
                reached += [int(one) for one in (left[node], right[node]) if one != node]
            parts.append(np.array(reached))
        nodes = np.concatenate(parts)
        place = np.zeros(len(own), np.int64)
        place[nodes] = np.arange(len(nodes))
        same = {name: getattr(self, name)[nodes] for name in ("feature", "threshold", "missing_left", "value")}
        return replace(self, roots=place[roots], left=place[left[nodes]], right=place[right[nodes]], **same)

    def extend(self, graph: GraphBuilder, rows: str) -> str:
        """Add the node that predicts after the value `rows`, float32, (batch, d)."""
        tree = self._tree_of_nodes()
        number = np.arange(len(self.left)) - self.roots[tree]  # in its tree
        is_leaf = self.left == np.arange(len(self.left))
        leaves = np.flatnonzero(is_leaf)
        return graph.op(
            "TreeEnsembleRegressor",
            rows,
            domain="ai.onnx.ml",
            n_targets=self.n_targets,
            nodes_treeids=tree.tolist(),
            nodes_nodeids=number.tolist(),
            nodes_featureids=np.where(is_leaf, 0, self.feature).tolist(),
            nodes_values=np.where(is_leaf, 0, self.threshold).tolist(),
            nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
            nodes_truenodeids=np.where(is_leaf, 0, number[self.left]).tolist(),
            nodes_falsenodeids=np.where(is_leaf, 0, number[self.right]).tolist(),
            nodes_missing_value_tracks_true=np.where(is_leaf, 0, self.missing_left).astype(int).tolist(),
            target_treeids=tree[leaves].tolist(),
            target_nodeids=number[leaves].tolist(),
            target_ids=self.target[tree[leaves]].tolist(),
            target_weights=self.value[leaves].tolist(),
        )

    def _tree_of_nodes(self) -> IntArray:
        ends = np.append(self.roots[1:], len(self.left))
        return np.repeat(np.arange(len(self)), ends - self.roots)

    def _chunks(self, rows: FloatArray) -> Iterator[FloatArray]:
        """What every tree adds, some rows at a time, (n_chunk, n_trees); one empty chunk of no rows."""
        n_rows = max(1, _CHUNK_LEAVES // max(1, len(self)))
        for start in range(0, max(1, len(rows)), n_rows):
            yield self._leaves(rows[start : start + n_rows])

    def _leaves(self, rows: FloatArray) -> FloatArray:
        """What every tree adds to every row, (n, n_trees); those that have come to a leaf are left behind."""
        shape, flat = (len(rows), len(self)), np.ravel(rows)
        is_leaf = self.left == np.arange(len(self.left))
        node = np.tile(self.roots, len(rows))
        going = np.flatnonzero(~is_leaf[node])
        at, first = node[going], going // max(1, len(self)) * rows.shape[1]
        while len(going):
            seen = flat[first + self.feature[at]]
            goes_left = (seen <= self.threshold[at]) | (self.missing_left[at] & np.isnan(seen))
            at = np.where(goes_left, self.left[at], self.right[at])
            node[going] = at
            on = np.flatnonzero(~is_leaf[at])
            going, at, first = going[on], at[on], first[on]
        return self.value[node].reshape(shape).astype(np.float64)


_BY_NODE = ("left", "right", "feature", "threshold", "missing_left", "value")


def join_trees(parts: Sequence[Trees]) -> Trees:
    """Put the trees of several models, of as many targets, behind one another."""
    starts = np.cumsum([0, *(len(part.left) for part in parts)])[:-1]
    moved = {
        name: np.concatenate([getattr(part, name) + start for part, start in zip(parts, starts, strict=True)])
        for name in ("roots", "left", "right")
    }
    same = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("target", "feature", "threshold", "missing_left", "value")
    }
    return Trees(**moved, **same, n_targets=parts[0].n_targets)


def rounded_down(thresholds: FloatArray) -> NDArray[np.float32]:
    """The largest float32 not above each threshold: features in single precision fall on the same side of both."""
    with np.errstate(over="ignore"):
        nearest = np.asarray(thresholds).astype(np.float32)
        return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
