"""CatBoost's symmetric trees as arrays, read from the model that it writes as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import n_threads
from headstart.evaluation.boosted import (
    Boosted,
    Booster,
    Plan,
    Shape,
    boost_classes,
    boost_labels,
    constant_trees,
)
from headstart.evaluation.trees import Trees, rounded_down

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

_FEW_ROWS = 3000  # up to which more threads than one bring nothing


def grow(
    rows: FloatArray, targets: FloatArray, task: TaskSpec, shape: Shape, *, stages: int, rate: float, seed: int
) -> Boosted:
    """Grow symmetric trees, as `boosted.Grow` says."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    options: dict[str, Any] = {
        "iterations": stages,
        "learning_rate": rate,
        "depth": int(np.log2(shape.leaves)),
        "l2_leaf_reg": shape.l2,
        "rsm": shape.features,
        "random_seed": seed,
        "thread_count": 1 if len(rows) <= _FEW_ROWS else n_threads(),
        "allow_writing_files": False,
        "verbose": False,
    }

    def fit(kind: Any, wanted: Any) -> tuple[FloatArray, Trees]:
        if not _varies(rows):  # CatBoost refuses such rows
            return _without_rows(kind is CatBoostRegressor, wanted, stages)
        return _read(kind(**options).fit(rows, wanted))

    if task.is_single_label:
        return boost_classes(lambda codes: fit(CatBoostClassifier, codes), targets, stages)
    if task.has_probabilities:
        return boost_labels(lambda label: fit(CatBoostClassifier, label), targets, stages)
    values = targets[:, 0]
    if not np.ptp(values):  # and such values
        return Boosted(start=values[:1], trees=constant_trees(np.zeros(1), stages)[1], n_per_stage=1)
    start, trees = fit(CatBoostRegressor, values)
    return Boosted(start=start, trees=trees, n_per_stage=1)


CATBOOST = Booster(
    plans=(
        Plan(max_rows=500, shapes=(Shape(leaves=16, least=1, l2=3.0, features=1.0),), stages=300, rate=0.04),
        Plan(max_rows=np.inf, shapes=(Shape(leaves=64, least=1, l2=3.0, features=1.0),), stages=600, rate=0.06),
    ),
    grow=grow,
)


def _varies(rows: FloatArray) -> bool:
    given = [column[~np.isnan(column)] for column in rows.T]
    return any(len(x) and (np.ptp(x) > 0 or len(x) < len(rows)) for x in given)


def _without_rows(is_value: bool, wanted: Any, stages: int) -> tuple[FloatArray, Trees]:
    """What is best where all rows are alike: the mean, or log-odds."""
    trees = constant_trees(np.zeros(1), stages)[1]
    if is_value:
        return np.array([wanted.mean()]), trees
    logs = np.log(np.bincount(wanted) / len(wanted))
    if len(logs) == 2:
        return logs[1:] - logs[:1], trees
    return logs - logs.mean(), Trees(**{**vars(trees), "n_targets": len(logs)})


def _read(model: Any) -> tuple[FloatArray, Trees]:
    """Where a fitted model starts, and its trees, one a target and stage."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        told = json.loads(path.read_text())
    scale, start = told["scale_and_bias"]
    features = told["features_info"]["float_features"]
    start = np.atleast_1d(np.asarray(start, np.float64))
    parts = [_tree(tree, features, scale) for tree in told["oblivious_trees"]]
    n_targets = len(parts[0]["value"]) if parts else len(start)
    return start, _joined(parts, n_targets)


def _tree(tree: Mapping[str, Any], features: Sequence[Mapping[str, Any]], scale: float) -> dict[str, Any]:
    """One symmetric tree as nodes in the order of a heap: which of the nodes of a level is told by the answers so far, first answer lowest."""
    splits = tree["splits"] or []
    depth = len(splits)
    level = np.concatenate([np.full(1 << i, i) for i in range(depth + 1)])
    place = np.concatenate([np.arange(1 << i) for i in range(depth + 1)])
    own, is_leaf = np.arange(len(level)), level == depth
    below = (2 << level) - 1 + place
    used = [features[split["float_feature_index"]] for split in splits]
    held = {
        "feature": [one["flat_feature_index"] for one in used],
        "threshold": [split["border"] for split in splits],
        "missing_left": [one["nan_value_treatment"] != "AsTrue" for one in used],
    }
    at_level = {name: np.array([*values, 0])[level] for name, values in held.items()}
    values = np.asarray(tree["leaf_values"], np.float64).reshape(1 << depth, -1).T * scale  # (n_targets, n_leaves)
    padded = np.concatenate([np.zeros((len(values), (1 << depth) - 1)), values], axis=1)
    left, right = np.where(is_leaf, own, below), np.where(is_leaf, own, below + (1 << level))
    return {"left": left, "right": right, "is_leaf": is_leaf, "value": padded, **at_level}


def _joined(parts: Sequence[Mapping[str, Any]], n_targets: int) -> Trees:
    """The trees of all stages, each once a target."""
    sizes = np.repeat([len(part["left"]) for part in parts], n_targets)
    roots = np.cumsum([0, *sizes])[:-1].astype(np.int64)
    first = np.repeat(roots, sizes)

    def of(name: str) -> NDArray[Any]:
        return np.concatenate([np.tile(part[name], n_targets) for part in parts])

    return Trees(
        roots=roots,
        target=np.tile(np.arange(n_targets), len(parts)),
        left=of("left") + first,
        right=of("right") + first,
        feature=of("feature").astype(np.int64),
        threshold=rounded_down(of("threshold").astype(np.float64)),
        missing_left=of("missing_left").astype(bool) & ~of("is_leaf").astype(bool),
        value=np.concatenate([part["value"].ravel() for part in parts]).astype(np.float32),
        n_targets=n_targets,
    )
