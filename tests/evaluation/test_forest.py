"""A forest as arrays predicts what scikit-learn's does, in numpy and in a graph."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from headstart.evaluation import forest
from headstart.evaluation.forest import fit_forest
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session


def problem(k, n=80):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, 7)).astype(np.float32)
    targets = np.eye(3)[rows[:, :3].argmax(axis=1)] if k == 3 else 5 + rows[:, :1].astype(np.float64)
    return rows, targets


@pytest.mark.parametrize("k", [1, 3])
def test_it_predicts_what_scikit_learn_does_in_numpy_and_in_a_graph(k, monkeypatch):
    monkeypatch.setattr(forest, "N_TREES", 20)
    rows, targets = problem(k)
    made = fit_forest(rows[:60], targets[:60], 3)
    reference = ExtraTreesRegressor(n_estimators=20, max_features="sqrt", min_samples_leaf=2, random_state=3)
    expected = reference.fit(rows[:60], targets[:60] if k > 1 else targets[:60, 0]).predict(rows).reshape(-1, k)
    np.testing.assert_allclose(made.predict(rows), expected, atol=1e-5)
    graph = GraphBuilder()
    graph.output(made.extend(graph, graph.input("rows", "float32", ["batch", 7])), "means", "float32", ["batch", k])
    found = open_session(graph.model().SerializeToString(), threads=1).run(None, {"rows": rows})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_classes_have_probabilities():
    rows, targets = problem(3)
    means = fit_forest(rows, targets, 0).predict(rows)
    np.testing.assert_allclose(means.sum(axis=1), 1, atol=1e-6)
    assert (means.argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.95


def test_a_value_at_a_threshold_goes_the_same_way_in_single_precision():
    thresholds = np.array([0.1, 1 / 3, 2.0, -0.7])
    rounded = forest._rounded_down(thresholds)
    assert (rounded.astype(np.float64) <= thresholds).all()
    for threshold, low in zip(thresholds, rounded, strict=True):
        for value in (low, np.nextafter(low, np.float32(np.inf))):
            assert (value <= low) == (float(value) <= threshold)


def test_the_same_seed_gives_the_same_forest():
    rows, targets = problem(3)
    one, other = (fit_forest(rows, targets, 1).predict(rows) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not fit_forest(rows, targets, 1).predict(rows[:0]).size


def test_a_graph_with_a_forest_can_be_part_of_another():
    rows, targets = problem(3)
    inner, outer = GraphBuilder(), GraphBuilder()
    inner.output(
        fit_forest(rows, targets, 0).extend(inner, inner.input("rows", "float32", ["batch", 7])),
        "means",
        "float32",
        ["batch", 3],
    )
    feeds = {"rows": outer.input("rows", "float32", ["batch", 7])}
    outer.output(outer.inline(inner.model().graph, feeds, {}), "means", "float32", ["batch", 3])
    assert {opset.domain for opset in outer.model().opset_import} == {"", "ai.onnx.ml"}
