"""CatBoost's trees as arrays predict what CatBoost does, with gaps too; where it is not installed, it is left out."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

import missing
from headstart.core.errors import MissingExtraError
from headstart.core.tasks import get_task
from headstart.engines.context import RunContext
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.baselines.catboost import CatBoostTrees
from headstart.evaluation.boosted import Shape

is_there = find_spec("catboost") is not None
needs_catboost = missing.needs("catboost", present=is_there)
SHAPE = Shape(leaves=16, least=1, l2=3.0, features=1.0)
K = {"binary": 2, "multiclass": 4, "multilabel": 3, "regression": 1}


def rows_and_targets(task, n=300, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 6)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    signal = np.nan_to_num(rows[:, 0], nan=2.0) + np.nan_to_num(rows[:, 1], nan=-1.5)
    if task == "regression":
        return rows, signal[:, None]
    if task == "multilabel":
        return rows, np.stack([signal > 0, signal < -1, np.isnan(rows[:, 2])], axis=1).astype(float)
    return rows, np.eye(K[task])[np.digitize(signal, [0.0] if task == "binary" else [-1.0, 0.0, 1.5])]


def reference(task, rows, targets):
    from catboost import CatBoostClassifier, CatBoostRegressor

    options = {"iterations": 30, "learning_rate": 0.1, "depth": 4, "l2_leaf_reg": 3.0, "rsm": 1.0, "random_seed": 0}
    options |= {"thread_count": 1, "verbose": False, "allow_writing_files": False}
    if task == "regression":
        return lambda asked: CatBoostRegressor(**options).fit(rows, targets[:, 0]).predict(asked)[:, None]
    if task == "multilabel":
        models = [CatBoostClassifier(**options).fit(rows, label.astype(int)) for label in targets.T]
        return lambda asked: np.stack([model.predict_proba(asked)[:, 1] for model in models], axis=1)
    return CatBoostClassifier(**options).fit(rows, targets.argmax(axis=1)).predict_proba


@needs_catboost
@pytest.mark.parametrize("task", K)
def test_arrays_predict_what_catboost_does_on_ten_thousand_rows_with_gaps(task):
    from headstart.evaluation.catboost_trees import grow

    rows, targets = rows_and_targets(task)
    asked, _ = rows_and_targets(task, n=10_000, seed=1)
    asked[:50] = np.nan
    made = grow(rows, targets, get_task(task), SHAPE, stages=30, rate=0.1, seed=0)
    found = get_task(task).outputs(made.staged(asked, [30])[0])
    np.testing.assert_allclose(found, reference(task, rows, targets)(asked), atol=1e-5)


@needs_catboost
@pytest.mark.parametrize("task", K)
def test_rows_and_targets_that_are_all_alike_are_no_error(task):
    from headstart.evaluation.catboost_trees import grow

    rows, targets = rows_and_targets(task, n=40)
    for given, wanted in (
        (np.zeros_like(rows), targets),
        (rows * np.nan, targets),
        (rows, targets[:1].repeat(40, axis=0)),
    ):
        scores = grow(given, wanted, get_task(task), SHAPE, stages=3, rate=0.1, seed=0).staged(rows, [3])
        assert np.isfinite(scores).all()


def test_it_is_among_the_baselines_where_it_is_installed():
    assert ("catboost" in {baseline.name for baseline in baselines_for("number", None)}) == is_there


def test_without_catboost_it_is_left_out_and_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(MissingExtraError, match=r"headstart\[boost\]"):
        CatBoostTrees().fit(None, None, context=RunContext(seed=0))
