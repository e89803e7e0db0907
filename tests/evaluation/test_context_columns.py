"""Columns as an in-context network reads them: fitted on the context, equal in a graph, and robust."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.evaluation.context_columns import fit_columns
from headstart.evaluation.power_transform import fit_power
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session

CODES = np.arange(60) % 3


def table(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.lognormal(size=(60, 5)).astype(np.float32)
    rows[:, 1] = np.round(rows[:, 1])
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def test_columns_are_standardized_and_what_is_missing_is_zero():
    rows = table()
    seen = fit_columns(rows, CODES, max_columns=100).apply(rows)
    assert seen.shape == (2, 60, 5)
    assert (seen[:, np.isnan(rows)] == 0).all()
    assert np.abs(np.array([view.mean(axis=0) for view in seen])).max() < 0.5
    assert np.isfinite(seen).all()


def test_outliers_are_drawn_in():
    rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    columns = fit_columns(rows, np.arange(200) % 2, max_columns=100)
    far = columns.apply(np.float32([[1e6, np.inf], [-1e6, -np.inf], [3.4e38, -3.4e38]]))
    assert np.abs(far[0]).max() < 10
    assert np.isfinite(far).all()


def test_constant_and_empty_columns_are_not_read_but_one_is_always_there():
    rows = np.column_stack([table(), np.full(60, 7.0), np.full(60, np.nan)]).astype(np.float32)
    assert fit_columns(rows, CODES, max_columns=100).columns.tolist() == [0, 1, 2, 3, 4]
    alone = fit_columns(rows[:, 5:], CODES, max_columns=100)
    assert alone.columns.tolist() == [0]
    assert np.abs(alone.apply(rows[:, 5:])).max() < 1e-9


def test_of_too_many_columns_those_that_say_most_are_read():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 30)).astype(np.float32)
    rows[:, 17] += 3 * CODES
    rows[:, 4] += 3 * (CODES == 1)
    rows[::9, 4] = np.nan
    assert set(fit_columns(rows, CODES, max_columns=2).columns) == {4, 17}


@given(seed=st.integers(0, 2**16))
@settings(max_examples=15, deadline=None)
def test_the_graph_equals_the_arrays(seed):
    rows = table(seed)
    columns = fit_columns(rows[:40], CODES[:40], max_columns=4)
    graph = GraphBuilder()
    value = columns.extend(graph, graph.input("columns", "float32", ["batch", 5]))
    graph.output(value, "seen", "float32", [2, "batch", 4])
    asked = np.concatenate([rows, np.float32([[-5, 1e9, np.nan, 0, -1e30]])])
    (found,) = open_session(graph.model().SerializeToString()).run(None, {"columns": asked})
    np.testing.assert_allclose(found, columns.apply(asked), atol=1e-4)


def test_the_power_is_that_of_greatest_likelihood():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rng = np.random.default_rng(0)
    x = np.column_stack(
        [rng.lognormal(size=300), -rng.lognormal(size=300), rng.normal(size=300), rng.exponential(size=300)]
    )
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs, ours = preprocessing.PowerTransformer().fit(x), fit_power(x)
    np.testing.assert_allclose(ours.power, theirs.lambdas_, atol=0.01)
    np.testing.assert_allclose(ours.apply(x), theirs.transform(x), atol=0.03)


def test_a_column_that_no_power_bends_stays_as_it_is():
    x = np.column_stack([np.r_[np.zeros(50), np.nan], np.full(51, np.nan)])
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        power = fit_power(x)
    assert power.power.tolist() == [1.0, 1.0]
