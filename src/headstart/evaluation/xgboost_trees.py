"""XGBoost's trees as arrays, read from the model that it writes as JSON.

Chen, Guestrin, XGBoost: a scalable tree boosting system, KDD 2016.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import n_threads
from headstart.evaluation.boosted import Boosted, Booster, Plan, Shape, boost_classes, boost_labels
from headstart.evaluation.library_trees import LibraryTree, join_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.trees import Trees

_FEW_ROWS = 3000  # up to which more threads than one bring nothing
_IS_LEAF = -1


def grow(
    rows: FloatArray, targets: FloatArray, task: TaskSpec, shape: Shape, *, stages: int, rate: float, seed: int
) -> Boosted:
    """Grow trees leaf by leaf on histograms, as `boosted.Grow` says; `shape.least` is the sum of Hessians in a leaf."""
    import xgboost

    options: dict[str, Any] = {
        "eta": rate,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": shape.leaves,
        "max_depth": 0,
        "min_child_weight": shape.least,
        "lambda": shape.l2,
        "colsample_bynode": shape.features,
        "seed": seed,
        "nthread": 1 if len(rows) <= _FEW_ROWS else n_threads(),
        "verbosity": 0,
    }

    def fit(objective: str, wanted: Any, n_classes: int = 1) -> tuple[FloatArray, Trees]:
        chosen = {**options, "objective": objective} | ({"num_class": n_classes} if n_classes > 1 else {})
        model = xgboost.train(chosen, xgboost.DMatrix(rows, label=wanted), num_boost_round=stages)
        return _read(json.loads(model.save_raw(raw_format="json")), n_classes, stages)

    def fit_classes(codes: Any) -> tuple[FloatArray, Trees]:
        k = int(codes.max()) + 1
        return fit("binary:logistic", codes) if k == 2 else fit("multi:softprob", codes, k)

    if task.is_single_label:
        return boost_classes(fit_classes, targets, stages)
    if task.has_probabilities:
        return boost_labels(lambda label: fit("binary:logistic", label), targets, stages)
    start, trees = fit("reg:squarederror", targets[:, 0])
    return Boosted(start=start, trees=trees, n_per_stage=1)


XGBOOST = Booster(
    plans=(
        Plan(max_rows=500, shapes=(Shape(leaves=8, least=1, l2=1.0, features=0.5),), stages=150, rate=0.06),
        Plan(max_rows=np.inf, shapes=(Shape(leaves=16, least=1, l2=1.0, features=0.5),), stages=250, rate=0.08),
    ),
    grow=grow,
)


def _read(told: Mapping[str, Any], n_targets: int, stages: int) -> tuple[FloatArray, Trees]:
    """Where a fitted model starts, and its trees, one a target and stage."""
    learner = told["learner"]
    model = learner["gradient_booster"]["model"]
    order = np.argsort(model["tree_info"], kind="stable").reshape(n_targets, -1).T.ravel()
    parts = [_tree(model["trees"][place]) for place in order]
    return _start(learner, n_targets), join_stages(parts, n_targets, stages)


def _start(learner: Mapping[str, Any], n_targets: int) -> FloatArray:
    """What scores start from: of two classes the log-odds of the probability that the model holds."""
    said = str(learner["learner_model_param"]["base_score"]).strip("[]")
    start = np.array([float(number) for number in said.split(",")])
    if learner["objective"]["name"] == "binary:logistic":
        start = np.log(start) - np.log1p(-start)
    return np.broadcast_to(start, n_targets).astype(np.float64)


def _tree(told: Mapping[str, Any]) -> LibraryTree:
    """One tree: inner nodes first, then leaves; XGBoost goes left below a threshold, `Trees` at it too."""
    left, right = np.array(told["left_children"]), np.array(told["right_children"])
    held = np.array(told["split_conditions"], dtype=np.float64).astype(np.float32)  # of a leaf its value
    is_leaf = left == _IS_LEAF
    place = _places(is_leaf)
    inner = ~is_leaf
    return LibraryTree(
        left=place[left[inner]],
        right=place[right[inner]],
        feature=np.array(told["split_indices"])[inner],
        threshold=np.nextafter(held[inner], np.float32(-np.inf)),
        missing_left=np.array(told["default_left"], dtype=bool)[inner],
        leaf_values=held[is_leaf].astype(np.float64),
    )


def _places(is_leaf: Any) -> IntArray:
    """Where each node stands when the leaves go last."""
    place: IntArray = np.empty(len(is_leaf), np.int64)
    place[np.argsort(is_leaf, kind="stable")] = np.arange(len(is_leaf))
    return place
