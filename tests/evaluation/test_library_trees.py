"""Trees of LightGBM and XGBoost as arrays predict what these do, with gaps too; of several libraries one is tried unless all are wanted."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

import missing
from headstart.core.errors import MissingExtraError
from headstart.core.registry import get
from headstart.core.tasks import get_task
from headstart.engines.context import RunContext
from headstart.evaluation import baseline as baseline_module
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.boosted import Shape
from headstart.evaluation.library_trees import LibraryTree, join_stages
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session

K = {"binary": 2, "multiclass": 3, "multilabel": 3, "regression": 1}
SHAPE = Shape(leaves=12, least=3, l2=1.0, features=1.0)
LIBRARIES = [
    pytest.param(name, marks=missing.needs(name, present=find_spec(name) is not None))
    for name in ("lightgbm", "xgboost")
]


def rows_and_targets(task, n=300, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 6)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    signal = np.nan_to_num(rows[:, 0], nan=2.0) + np.nan_to_num(rows[:, 1], nan=-1.5)
    if task == "regression":
        return rows, signal[:, None]
    if task == "multilabel":
        return rows, np.stack([signal > 0, signal < -1, np.isnan(rows[:, 2])], axis=1).astype(float)
    return rows, np.eye(K[task])[np.digitize(signal, [0.0] if task == "binary" else [-1.0, 1.0])]


def grow_of(library):
    module = __import__(f"headstart.evaluation.{library}_trees", fromlist=["grow"])
    return module.grow


def lightgbm_reference(objective, rows, target, asked, **more):
    import lightgbm

    options = {"objective": objective, "learning_rate": 0.1, "num_leaves": 12, "min_data_in_leaf": 3, "lambda_l2": 1.0}
    options |= {"seed": 0, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1, **more}
    return lightgbm.train(options, lightgbm.Dataset(rows, label=target), num_boost_round=30).predict(asked)


def xgboost_reference(objective, rows, target, asked, **more):
    import xgboost

    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}[
        objective
    ]
    options = {"objective": objective, "eta": 0.1, "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 12}
    options |= {"max_depth": 0, "min_child_weight": 3, "lambda": 1.0, "seed": 0, "nthread": 1, "verbosity": 0, **more}
    model = xgboost.train(options, xgboost.DMatrix(rows, label=target), num_boost_round=30)
    return model.predict(xgboost.DMatrix(asked))


REFERENCES = {"lightgbm": lightgbm_reference, "xgboost": xgboost_reference}


def reference(library, task, rows, targets, asked):
    predict = REFERENCES[library]
    if task == "regression":
        return predict("regression", rows, targets[:, 0], asked)[:, None]
    if task == "multilabel":
        return np.stack([predict("binary", rows, label, asked) for label in targets.T], axis=1)
    codes = targets.argmax(axis=1)
    if task == "binary":
        of_second = predict("binary", rows, codes, asked)
        return np.stack([1 - of_second, of_second], axis=1)
    return predict("multiclass", rows, codes, asked, num_class=targets.shape[1])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", K)
def test_arrays_predict_what_the_library_does_on_ten_thousand_rows_with_gaps(library, task):
    rows, targets = rows_and_targets(task)
    asked, _ = rows_and_targets(task, n=10_000, seed=1)
    asked[:50] = np.nan
    rows[:, 5] = np.nan_to_num(rows[:, 5], nan=0.5)  # a column whose gaps come only later
    made = grow_of(library)(rows, targets, get_task(task), SHAPE, stages=30, rate=0.1, seed=0)
    scores = made.staged(asked, [30])[0]
    np.testing.assert_allclose(
        get_task(task).outputs(scores), reference(library, task, rows, targets, asked), atol=2e-6
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_values_on_a_threshold_go_where_the_library_sends_them(library):
    rows = np.repeat(np.arange(8, dtype=np.float32), 20)[:, None]
    target = np.repeat([0.0, 1, 5, 5, 2, 2, 9, 0], 20)
    made = grow_of(library)(rows, target[:, None], get_task("regression"), SHAPE, stages=30, rate=0.1, seed=0)
    cuts = np.unique(made.trees.threshold)
    asked = np.concatenate([cuts, np.nextafter(cuts, np.float32(9)), np.nextafter(cuts, np.float32(-9))])[:, None]
    expected = REFERENCES[library]("regression", rows, target, asked)
    np.testing.assert_allclose(made.staged(asked, [30])[0, :, 0], expected, atol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", K)
def test_one_graph_node_gives_the_same(library, task):
    rows, targets = rows_and_targets(task)
    trees = grow_of(library)(rows, targets, get_task(task), SHAPE, stages=10, rate=0.1, seed=0).trees
    graph = GraphBuilder()
    graph.output(trees.extend(graph, graph.input("rows", "float32", ["batch", 6])), "sums", "float32", ["batch", "k"])
    found = open_session(graph.model().SerializeToString(), threads=1).run(["sums"], {"rows": rows})[0]
    np.testing.assert_allclose(found, trees.predict(rows), atol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", K)
def test_rows_and_targets_that_are_all_alike_are_no_error(library, task):
    rows, targets = rows_and_targets(task, n=40)
    for given, wanted in (
        (np.zeros_like(rows), targets),
        (rows * np.nan, targets),
        (rows, targets[:1].repeat(40, axis=0)),
    ):
        made = grow_of(library)(given, wanted, get_task(task), SHAPE, stages=3, rate=0.1, seed=0)
        assert np.isfinite(made.staged(rows, [1, 3])).all()


def test_a_library_that_stops_early_is_given_leaves_of_nothing():
    one = LibraryTree(
        left=np.array([1]), right=np.array([2]), feature=np.array([0]), threshold=np.array([0.5], np.float32),
        missing_left=np.array([True]), leaf_values=np.array([1.0, 2.0]),
    )  # fmt: skip
    trees = join_stages([one], 1, 3)
    assert trees.predict(np.array([[0.5], [0.6], [np.nan]], np.float32))[:, 0].tolist() == [1.0, 2.0, 1.0]
    assert len(trees) == 3


def names(cost):
    return {one.name for one in baselines_for("number", None, cost)} & {"catboost", "lightgbm", "xgboost"}


def test_of_several_libraries_the_first_that_is_installed_is_tried_unless_all_are_wanted(monkeypatch):
    installed = {"catboost", "lightgbm", "xgboost"}
    monkeypatch.setattr(baseline_module, "find_spec", lambda name: name if name in installed else None)
    assert names("simple") == set()
    assert (names("full"), names("all")) == ({"catboost"}, installed)
    installed.remove("catboost")
    assert (names("full"), names("all")) == ({"lightgbm"}, {"lightgbm", "xgboost"})
    installed.remove("lightgbm")
    assert names("full") == names("all") == {"xgboost"}


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_without_its_library_a_baseline_says_what_it_needs(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"headstart\[boost\]"):
        get("baselines", library)().fit(None, None, context=RunContext(seed=0))
