"""Extremely randomized trees: fitted by scikit-learn, kept as arrays, computed by numpy and by one ONNX node.

Geurts, Ernst and Wehenkel, Extremely randomized trees, Machine Learning 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder

N_TREES = 300
_MIN_LEAF, _MAX_LEAVES = 2, 1000
_CHUNK_ROWS = 256


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Trees one after the other; an item goes to the left child where its feature is at most the threshold.

    Attributes
    ----------
    roots : first node of each tree, shape (n_trees,)
    left, right : children of each node, shape (n_nodes,); a leaf is its own child
    feature : that a node looks at, shape (n_nodes,)
    threshold : float32, shape (n_nodes,)
    values : what a leaf predicts, shape (n_nodes, k), float32
    """

    roots: IntArray
    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: NDArray[np.float32]
    values: NDArray[np.float32]

    def predict(self, rows: FloatArray) -> FloatArray:
        """The mean over the trees, shape (n, k); rows are float32, (n, d)."""
        starts = range(0, len(rows), _CHUNK_ROWS)
        parts = [self._predict(rows[start : start + _CHUNK_ROWS]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.values.shape[1]))

    def extend(self, graph: GraphBuilder, rows: str) -> str:
        """Add the node that predicts after the value `rows`, float32, (batch, d)."""
        ends = np.append(self.roots[1:], len(self.left))
        tree = np.repeat(np.arange(len(self.roots)), ends - self.roots)
        number = np.arange(len(self.left)) - self.roots[tree]  # in its tree
        is_leaf = self.left == np.arange(len(self.left))
        leaves, targets = np.nonzero(is_leaf[:, None] & ((self.values != 0) | (np.arange(self.values.shape[1]) == 0)))
        return graph.op(
            "TreeEnsembleRegressor",
            rows,
            domain="ai.onnx.ml",
            n_targets=self.values.shape[1],
            nodes_treeids=tree.tolist(),
            nodes_nodeids=number.tolist(),
            nodes_featureids=np.where(is_leaf, 0, self.feature).tolist(),
            nodes_values=np.where(is_leaf, 0, self.threshold).tolist(),
            nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
            nodes_truenodeids=np.where(is_leaf, 0, number[self.left]).tolist(),
            nodes_falsenodeids=np.where(is_leaf, 0, number[self.right]).tolist(),
            target_treeids=tree[leaves].tolist(),
            target_nodeids=number[leaves].tolist(),
            target_ids=targets.tolist(),
            target_weights=(self.values[leaves, targets] / len(self.roots)).tolist(),
        )

    def _predict(self, rows: FloatArray) -> FloatArray:
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        places = np.arange(len(rows))[:, None]
        while True:
            goes_left = rows[places, self.feature[node]] <= self.threshold[node]
            following = np.where(goes_left, self.left[node], self.right[node])
            if np.array_equal(following, node):
                return np.asarray(self.values[node].mean(axis=1, dtype=np.float64))
            node = following


def fit_forest(rows: FloatArray, targets: FloatArray, seed: int, *, share_of_features: float | None = None) -> Forest:
    """Fit a forest to targets (n, k); to classes as 0 and 1, which minimizes the Gini impurity.

    Parameters
    ----------
    rows : float32, shape (n, d)
    share_of_features : that a node chooses among; their square root if None
    """
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(
        n_estimators=N_TREES,
        max_features=share_of_features or "sqrt",
        min_samples_leaf=max(_MIN_LEAF, len(rows) // _MAX_LEAVES),
        random_state=seed,
        n_jobs=n_threads(),
    ).fit(rows, targets[:, 0] if targets.shape[1] == 1 else targets)
    trees = [estimator.tree_ for estimator in model.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    own = np.concatenate([np.arange(tree.node_count) for tree in trees])
    first = np.repeat(roots, [tree.node_count for tree in trees])
    children = [np.concatenate([getattr(tree, side) for tree in trees]) for side in ("children_left", "children_right")]
    left, right = (np.where(child < 0, own, child) + first for child in children)
    is_leaf = children[0] < 0
    values = np.concatenate([tree.value[:, :, 0] for tree in trees])
    return Forest(
        roots=roots,
        left=left,
        right=right,
        feature=np.where(is_leaf, 0, np.concatenate([tree.feature for tree in trees])),
        threshold=_rounded_down(np.concatenate([tree.threshold for tree in trees])),
        values=np.where(is_leaf[:, None], values, 0).astype(np.float32),
    )


def _rounded_down(thresholds: FloatArray) -> NDArray[np.float32]:
    """The largest float32 not above each threshold: features in single precision fall on the same side of both."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
