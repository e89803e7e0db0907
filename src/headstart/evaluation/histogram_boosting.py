"""Histogram-based gradient boosting of scikit-learn, as arrays.

Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 2001. Ke et al., LightGBM, NeurIPS 2017.
"""

from __future__ import annotations

import time
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import limit, n_threads
from headstart.evaluation.boosted import Boosted, Booster, Plan, Shape, boost_classes, boost_labels
from headstart.evaluation.trees import Trees, rounded_down

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec

_TRIED_FROM = 3_000  # rows; of fewer, one thread is all that is allowed anyway
_TRIAL_ROWS, _TRIAL_STAGES, _TRIAL_LEAVES = 2_000, 1, 8
_SLOWER = 4.0


def boost(
    rows: FloatArray,
    targets: FloatArray,
    task: TaskSpec,
    shape: Shape,
    *,
    stages: int,
    rate: float,
    seed: int,
    weights: FloatArray | None = None,
) -> Boosted:
    """Grow trees on all the rows.

    Parameters
    ----------
    rows : float32, shape (n, d), NaN where a value is missing
    targets : shape (n, k); values of about unit spread
    stages : how many times a tree is added for each target
    rate : what a tree counts
    weights : of the rows, shape (n,); None if all count the same
    """
    empty = np.isnan(rows).all(axis=0)
    if empty.any():
        rows = np.where(empty, np.float32(0), rows)  # of which scikit-learn finds no thresholds
    options: dict[str, Any] = {
        "learning_rate": rate,
        "max_iter": stages,
        "max_leaf_nodes": shape.leaves,
        "min_samples_leaf": shape.least,
        "l2_regularization": shape.l2,
        "max_features": shape.features,
        "early_stopping": False,
        "random_state": seed,
    }
    with _threads(len(rows)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what scikit-learn says of few rows a class is no news to a user
        return _boosted(rows, targets, task, options, weights)


def _boosted(
    rows: FloatArray, targets: FloatArray, task: TaskSpec, options: Mapping[str, Any], weights: FloatArray | None
) -> Boosted:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    stages: int = options["max_iter"]

    if task.is_single_label:
        return boost_classes(
            lambda codes: _taken(HistGradientBoostingClassifier(**options).fit(rows, codes, sample_weight=weights)),
            targets,
            stages,
        )
    if not task.has_probabilities:
        start, trees = _taken(HistGradientBoostingRegressor(**options).fit(rows, targets[:, 0], sample_weight=weights))
        return Boosted(start=start, trees=trees, n_per_stage=1)
    return boost_labels(
        lambda label: _taken(HistGradientBoostingClassifier(**options).fit(rows, label, sample_weight=weights)),
        targets,
        stages,
    )


def _threads(n_rows: int) -> AbstractContextManager[None]:
    """Hold to one thread where others use the cores.

    A tree is grown in many short steps, and after each all threads wait for the slowest. On cores that are taken, that has cost
    twenty times as long as one thread.
    """
    if n_rows <= _TRIED_FROM or n_threads() == 1:
        return nullcontext()
    with limit(1):
        alone_s = _trial_s()
    return limit(1) if _trial_s() > _SLOWER * alone_s else nullcontext()


def _trial_s() -> float:
    """How long it takes to grow some small trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = np.random.default_rng(0).normal(size=(_TRIAL_ROWS, 8))
    model = HistGradientBoostingRegressor(max_iter=_TRIAL_STAGES, max_leaf_nodes=_TRIAL_LEAVES, early_stopping=False)
    started = time.perf_counter()
    model.fit(rows, rows[:, 0])
    return time.perf_counter() - started


def _taken(model: Any) -> tuple[FloatArray, Trees]:
    """What a fitted model starts from, and its trees."""
    stages = model._predictors  # noqa: SLF001  (a test compares what is made of it with the model's own predictions)
    nodes = [predictor.nodes for stage in stages for predictor in stage]
    sizes = [len(one) for one in nodes]
    roots, n_targets = np.cumsum([0, *sizes])[:-1], len(stages[0])
    every, first = np.concatenate(nodes), np.repeat(roots, sizes)
    is_leaf, own = every["is_leaf"].astype(bool), np.arange(len(every))
    trees = Trees(
        roots=roots,
        target=np.tile(np.arange(n_targets), len(stages)),
        left=np.where(is_leaf, own, every["left"] + first),
        right=np.where(is_leaf, own, every["right"] + first),
        feature=np.where(is_leaf, 0, every["feature_idx"]),
        threshold=rounded_down(np.where(is_leaf, 0.0, every["num_threshold"])),
        missing_left=every["missing_go_to_left"].astype(bool) & ~is_leaf,
        value=np.where(is_leaf, every["value"], 0.0).astype(np.float32),
        n_targets=n_targets,
    )
    return np.ravel(model._baseline_prediction), trees  # noqa: SLF001


_PLANS = (
    Plan(
        max_rows=500,
        shapes=(
            Shape(leaves=4, least=3, l2=1.0, features=0.5),
            Shape(leaves=4, least=3, l2=1.0, features=0.2),
            Shape(leaves=8, least=2, l2=1.0, features=0.2),
        ),
        stages=150,
        rate=0.06,
    ),
    Plan(
        max_rows=20_000,
        shapes=(
            Shape(leaves=6, least=10, l2=1.0, features=0.5),
            Shape(leaves=16, least=5, l2=1.0, features=0.3),
        ),
        stages=250,
        rate=0.08,
    ),
    Plan(
        max_rows=np.inf,
        shapes=(
            Shape(leaves=16, least=20, l2=10.0, features=0.5),
            Shape(leaves=48, least=20, l2=10.0, features=0.5),
        ),
        stages=200,
        rate=0.1,
    ),
)
"""Chosen on 22 public tables at 50 and 200 rows, and by time on large ones."""
HISTOGRAMS = Booster(plans=_PLANS, grow=boost)
