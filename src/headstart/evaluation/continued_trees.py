"""Continued trees: boosting that starts from scores that are there, such as a source's, and may add no tree at all.

Newton boosting with small trees on the target's rows. How many stages count is decided as in `heads.offset`: every number of stages, 0 among them,
is a candidate, all are averaged, each weighted by how likely the held-out targets are under it. The mean of sums of trees is a sum of trees
again, the later ones of smaller leaves.

References
----------
Friedman, Hastie and Tibshirani, Additive logistic regression, Annals of Statistics 2000. Yao et al., Using stacking to average Bayesian
predictive distributions, Bayesian Analysis 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.evaluation.boosted import spread_of
from headstart.evaluation.trees import Trees, join_trees, rounded_down
from headstart.heads.offset import candidate_weights, fold_numbers

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

STAGES = (0, 3, 6, 12, 25, 50, 100, 150)
"""After how many the trees may end; 0 leaves the scores alone."""
MIN_ROWS = 50
"""With fewer no tree is grown."""
_PRIOR_OF_NONE = 0.5
_RATE, _LEAVES, _LEAST, _L2, _FEATURES = 0.07, 4, 5, 3.0, 0.3
_STEEPEST = 4.0  # of a working response, in logits, where splits are sought
_LEAST_CURVATURE = 1e-6
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class ContinuedTrees:
    """Trees that are added to scores.

    Attributes
    ----------
    trees : whose leaves hold what counts of them; None where none was grown
    n_outputs : of the scores
    held_out : scores of each item by trees without its group, shape (n, k)
    weights : of `STAGES`, of sum 1
    """

    trees: Trees | None
    n_outputs: int
    held_out: FloatArray
    weights: FloatArray

    @property
    def share(self) -> float:
        """The weight of all numbers of stages but 0."""
        return float(1.0 - self.weights[0])

    @property
    def spread(self) -> FloatArray:
        """What the targets of the trees add to the scores, shape (n_targets, k)."""
        return spread_of(self.n_outputs, 1 if self.trees is None else self.trees.n_targets)

    def added(self, rows: FloatArray) -> FloatArray:
        """What is added to the scores of rows, shape (n, k)."""
        if self.trees is None:
            return np.zeros((len(rows), self.n_outputs))
        return np.asarray(self.trees.predict(rows) @ self.spread)


def fit_continued(
    rows: FloatArray, scores: FloatArray, targets: FloatArray, groups: IntArray, *, task: TaskSpec, seed: int = 0
) -> ContinuedTrees:
    """Grow trees that go on from scores.

    Parameters
    ----------
    rows : features, float32, shape (n, d), NaN where a value is missing
    scores : where the trees start, shape (n, k), by fits without the items' groups
    targets, groups : shapes (n, k) and (n,)
    """
    k = targets.shape[1]
    folds = fold_numbers(groups, targets, seed)
    n_folds = int(folds.max(initial=-1)) + 1
    if n_folds < 2 or len(np.unique(groups)) < MIN_ROWS or not rows.shape[1]:
        return _none(scores, k)
    problem = _Problem.of(rows, scores, targets, task)
    if not problem.has_splits:
        return _none(scores, k)
    held_out = np.repeat(scores[None], len(STAGES), axis=0)
    grown = []
    for fold in range(n_folds):
        train, test = folds != fold, folds == fold
        grown.append(problem.take(train).grow(seed))
        m = grown[-1].n_targets
        held_out[:, test] += grown[-1].staged(problem.rows[test], [stage * m for stage in STAGES]) @ spread_of(k, m)
    weights = candidate_weights(held_out, targets, groups, _prior(), task)
    tails = _tails(weights)
    kept = [_weighted(trees, tails / n_folds) for trees in grown]
    return ContinuedTrees(
        trees=join_trees(kept) if weights[0] < 1 - 1e-3 else None,
        n_outputs=k,
        held_out=np.tensordot(weights, held_out, axes=1),
        weights=weights,
    )


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Rows with scores and targets, with two labels as one margin."""

    rows: FloatArray
    scores: FloatArray
    targets: FloatArray
    link: str

    @classmethod
    def of(cls, rows: FloatArray, scores: FloatArray, targets: FloatArray, task: TaskSpec) -> _Problem:
        is_margin = task.is_single_label and targets.shape[1] == 2
        return cls(
            rows=np.clip(rows, -_LARGEST, _LARGEST).astype(np.float32),
            scores=scores[:, 1:] - scores[:, :1] if is_margin else scores,
            targets=targets[:, 1:] if is_margin else targets,
            link="sigmoid" if is_margin else task.link,
        )

    @property
    def has_splits(self) -> bool:
        """Whether any feature varies."""
        return any(np.ptp(known) > 0 for column in self.rows.T if len(known := column[~np.isnan(column)]))

    def take(self, index: Any) -> _Problem:
        return replace(self, rows=self.rows[index], scores=self.scores[index], targets=self.targets[index])

    def grow(self, seed: int) -> Trees:
        """As many stages as may count, a tree a target in each."""
        scores, parts, m = self.scores.copy(), [], self.targets.shape[1]
        rng = np.random.default_rng(seed)
        for _ in range(STAGES[-1]):
            gradient, curvature = _newton(scores, self.targets, self.link)
            for j in range(m):
                tree, leaf = self._tree(gradient[:, j], curvature[:, j], int(rng.integers(2**31)))
                parts.append(replace(tree, target=np.array([j]), n_targets=m))
                scores[:, j] += tree.value[leaf]
        return join_trees(parts)

    def _tree(self, gradient: FloatArray, curvature: FloatArray, seed: int) -> tuple[Trees, IntArray]:
        """One tree, and the leaf of each row: splits by least squares of the working response, leaves by a damped Newton step."""
        from sklearn.tree import DecisionTreeRegressor

        response = np.clip(gradient / curvature, -_STEEPEST, _STEEPEST) if self.link != "identity" else gradient
        model = DecisionTreeRegressor(
            max_leaf_nodes=_LEAVES, min_samples_leaf=_LEAST, max_features=_FEATURES, random_state=seed
        ).fit(self.rows, response, sample_weight=curvature)
        nodes, leaf = model.tree_, model.apply(self.rows)
        own = np.arange(nodes.node_count)
        is_leaf = nodes.children_left < 0
        sums = [np.bincount(leaf, one, nodes.node_count) for one in (gradient, curvature)]
        return Trees(
            roots=np.zeros(1, np.int64),
            target=np.zeros(1, np.int64),
            left=np.where(is_leaf, own, nodes.children_left),
            right=np.where(is_leaf, own, nodes.children_right),
            feature=np.where(is_leaf, 0, nodes.feature),
            threshold=rounded_down(np.where(is_leaf, 0.0, nodes.threshold)),
            missing_left=nodes.missing_go_to_left.astype(bool) & ~is_leaf,
            value=np.where(is_leaf, _RATE * sums[0] / (sums[1] + _L2), 0.0).astype(np.float32),
            n_targets=1,
        ), leaf


def _newton(scores: FloatArray, targets: FloatArray, link: str) -> tuple[FloatArray, FloatArray]:
    """The negative gradient of the loss by the scores, and its curvature, shapes (n, m)."""
    if link == "identity":
        return targets - scores, np.ones_like(scores)
    if link == "softmax":
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances = raised / raised.sum(axis=1, keepdims=True)
    else:
        chances = 0.5 * (1.0 + np.tanh(0.5 * scores))
    return targets - chances, np.maximum(chances * (1.0 - chances), _LEAST_CURVATURE)


def _none(scores: FloatArray, k: int) -> ContinuedTrees:
    return ContinuedTrees(trees=None, n_outputs=k, held_out=scores, weights=np.eye(len(STAGES))[0])


def _prior() -> FloatArray:
    others = len(STAGES) - 1
    return np.array([_PRIOR_OF_NONE, *[(1 - _PRIOR_OF_NONE) / others] * others])


def _tails(weights: FloatArray) -> FloatArray:
    """What each stage counts in the mean: the weight of all numbers of stages that hold it, shape (STAGES[-1],)."""
    ends = np.array(STAGES)
    return np.array([weights[ends > stage].sum() for stage in range(STAGES[-1])])


def _weighted(trees: Trees, shares: FloatArray) -> Trees:
    """The same trees, the leaves of each stage times its share."""
    by_tree = np.repeat(shares, trees.n_targets)
    sizes = np.diff(np.append(trees.roots, len(trees.left)))
    return replace(trees, value=(trees.value * np.repeat(by_tree, sizes)).astype(np.float32))
