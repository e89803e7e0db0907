"""A network with its context: looks at it are averaged, large tables are sampled fairly, and the graph is equal."""

from __future__ import annotations

import numpy as np
import pytest

import tiny_tabpfn
from headstart.core.tasks.link import apply_link
from headstart.evaluation.context_network import read_context
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session


@pytest.fixture
def source(tmp_path):
    return tiny_tabpfn.source(tmp_path)


def table(n: int, n_classes: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, n)
    rows = (rng.normal(size=(n, 5)) + codes[:, None]).astype(np.float32)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows, codes


def run(network, rows):
    graph = GraphBuilder()
    graph.output(network.encode(graph), "scores", "float32", ["batch", network.n_classes])
    return open_session(graph.model().SerializeToString()).run(None, {"columns": rows})[0]


@pytest.mark.parametrize("n_members", [1, 2, 5])
def test_the_graph_equals_the_arrays(source, n_members):
    rows, codes = table(30)
    network = read_context(source, None, rows[:20], codes[:20], n_classes=3, n_members=n_members, seed=1)
    np.testing.assert_allclose(run(network, rows), network.scores_of(rows), atol=1e-4)
    np.testing.assert_allclose(run(network, rows[:1]), network.scores_of(rows)[:1], atol=1e-4)


def test_the_order_of_the_rows_does_not_matter(source):
    rows, codes = table(30)
    order = np.random.default_rng(3).permutation(20)
    there = read_context(source, None, rows[:20], codes[:20], n_classes=3, n_members=4, seed=0)
    back = read_context(source, None, rows[order], codes[order], n_classes=3, n_members=4, seed=0)
    np.testing.assert_allclose(
        back.scores_of(rows), there.scores_of(rows), atol=2e-2
    )  # the memory is in half precision


def test_every_look_answers_for_the_same_classes(source):
    """With one class that is far from the others a rotation of columns or classes that is not undone would show."""
    rows, codes = table(30)
    network = read_context(source, None, rows, codes, n_classes=3, n_members=6, seed=0)
    assert len({(one.rotation, one.shift) for one in network.members}) > 1
    for one in network.members:
        weight, bias = network._decoder(one)
        plain_weight, plain_bias = source.network.decoder[1]
        for c in range(3):
            there = (c + one.shift) % 3
            np.testing.assert_allclose(weight[:, c], plain_weight[:, there] / np.float32(0.8), rtol=1e-5)
            np.testing.assert_allclose(bias[c], plain_bias[there] / 0.8, rtol=1e-5)


def test_a_class_without_a_row_is_ruled_out(source):
    rows, codes = table(20)
    network = read_context(source, None, rows, np.where(codes == 1, 2, codes), n_classes=4, n_members=2, seed=0)
    for scores in (network.scores_of(rows), run(network, rows)):
        assert scores.shape == (20, 4)
        assert apply_link(scores.astype(np.float64), "softmax")[:, [1, 3]].max() < 1e-6


def test_one_row_and_one_class_are_a_context(source):
    network = read_context(source, None, np.float32([[1, np.nan]]), np.array([1]), n_classes=2, n_members=2, seed=0)
    assert (network.scores_of(np.float32([[0, 3]])).argmax(axis=1) == 1).all()


def test_of_a_large_table_each_look_sees_rows_of_its_own_and_rare_classes_whole(source):
    codes = np.r_[np.zeros(990, int), np.ones(10, int)]
    rows = np.random.default_rng(0).normal(size=(1000, 5)).astype(np.float32)
    network = read_context(source, None, rows, codes, n_classes=2, n_members=3, seed=0)
    assert {one.memory.keys.shape[-1] for one in network.members} == {40}
    assert not np.array_equal(network.members[0].memory.keys, network.members[2].memory.keys)
    one = network.members[0]
    # ten of forty rows are of the rare class, which has one in a hundred
    np.testing.assert_allclose(one.intercept, [np.log(0.99 / 0.75), np.log(0.01 / 0.25)], atol=1e-9)
    np.testing.assert_allclose(run(network, rows[:9]), network.scores_of(rows[:9]), atol=1e-4)


def test_the_same_seed_gives_the_same_network(source):
    rows, codes = table(100)
    made = [
        read_context(source, None, rows, codes, n_classes=3, n_members=4, seed=s).scores_of(rows) for s in (0, 0, 1)
    ]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
