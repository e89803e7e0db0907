"""LightGBM's trees as arrays, read from the model that it writes as text.

Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import n_threads
from headstart.evaluation.boosted import Boosted, Booster, Plan, Shape, boost_classes, boost_labels
from headstart.evaluation.library_trees import LibraryTree, join_stages
from headstart.evaluation.trees import rounded_down

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.trees import Trees

_FEW_ROWS = 3000  # up to which more threads than one bring nothing
_DEFAULT_LEFT, _MISSING_SHIFT, _MISSING_IS_NAN = 2, 2, 2  # of the bits of LightGBM's decision_type


def grow(
    rows: FloatArray, targets: FloatArray, task: TaskSpec, shape: Shape, *, stages: int, rate: float, seed: int
) -> Boosted:
    """Grow trees leaf by leaf, as `boosted.Grow` says."""
    import lightgbm

    options: dict[str, Any] = {
        "learning_rate": rate,
        "num_leaves": shape.leaves,
        "min_data_in_leaf": shape.least,
        "lambda_l2": shape.l2,
        "feature_fraction_bynode": shape.features,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1 if len(rows) <= _FEW_ROWS else n_threads(),
        "verbosity": -1,
    }

    def fit(objective: str, wanted: Any, n_classes: int = 1) -> tuple[FloatArray, Trees]:
        chosen = {**options, "objective": objective} | ({"num_class": n_classes} if n_classes > 1 else {})
        data = lightgbm.Dataset(rows, label=wanted, params={**chosen, "feature_pre_filter": False})
        model = lightgbm.train(chosen, data, num_boost_round=stages)
        return np.zeros(n_classes), _read(model.model_to_string(), n_classes, stages)

    def fit_classes(codes: Any) -> tuple[FloatArray, Trees]:
        k = int(codes.max()) + 1
        return fit("binary", codes) if k == 2 else fit("softmax", codes, k)

    if task.is_single_label:
        return boost_classes(fit_classes, targets, stages)
    if task.has_probabilities:
        return boost_labels(lambda label: fit("binary", label), targets, stages)
    start, trees = fit("l2", targets[:, 0])
    return Boosted(start=start, trees=trees, n_per_stage=1)


LIGHTGBM = Booster(
    plans=(
        Plan(max_rows=500, shapes=(Shape(leaves=8, least=5, l2=1.0, features=0.5),), stages=150, rate=0.06),
        Plan(max_rows=np.inf, shapes=(Shape(leaves=16, least=20, l2=1.0, features=0.5),), stages=250, rate=0.08),
    ),
    grow=grow,
)


def _read(model: str, n_targets: int, stages: int) -> Trees:
    """The trees of a model that is written as text; what it starts from is in the leaves of the first."""
    parts = [_tree(_fields(section)) for section in model.split("end of trees", maxsplit=1)[0].split("\nTree=")[1:]]
    return join_stages(parts, n_targets, stages)


def _fields(section: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in section.splitlines() if "=" in line)


def _tree(told: dict[str, str]) -> LibraryTree:
    """One tree: its inner nodes first, then its leaves, which LightGBM counts as -1, -2 … among children."""
    values = _numbers(told, "leaf_value")
    n_inner = len(values) - 1
    kinds = _numbers(told, "decision_type").astype(np.int64)
    threshold = _numbers(told, "threshold")
    children = {side: _numbers(told, f"{side}_child").astype(np.int64) for side in ("left", "right")}
    missing_left = np.where(
        kinds >> _MISSING_SHIFT == _MISSING_IS_NAN, kinds & _DEFAULT_LEFT > 0, threshold >= 0
    )  # where training had no gaps in the column, LightGBM reads a gap as 0
    return LibraryTree(
        left=np.where(children["left"] < 0, n_inner - 1 - children["left"], children["left"]),
        right=np.where(children["right"] < 0, n_inner - 1 - children["right"], children["right"]),
        feature=_numbers(told, "split_feature").astype(np.int64),
        threshold=rounded_down(threshold),
        missing_left=missing_left,
        leaf_values=values,
    )


def _numbers(told: dict[str, str], name: str) -> FloatArray:
    return np.array(told.get(name, "").split(), dtype=np.float64)
