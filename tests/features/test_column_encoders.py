"""The plain blocks of tables: what is learned, what a graph computes, and what is left out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.dataset import Dataset, Field
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.evaluation.plain_blocks import PlainBlocks
from headstart.features.encoders.categories import CategoryEncoder
from headstart.features.encoders.numbers import NumberEncoder
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session

NUMBERS = (Field("a", "number"), Field("b", "number"), Field("t", "date"))
WORDS = (Field("x", "category"), Field("y", "category"))
FLOATS = st.floats(allow_nan=True, allow_infinity=False, width=32) | st.integers(-3, 3).map(float) | st.just(math.nan)
NUMBER_ROWS = st.lists(
    st.fixed_dictionaries({"a": FLOATS, "b": FLOATS, "t": st.floats(-1e10, 1e10) | st.just(math.nan)}),
    min_size=1,
    max_size=30,
)
WORD_ROWS = st.lists(
    st.fixed_dictionaries({"x": st.sampled_from(["", "é", "b", "c"]), "y": st.text(max_size=2)}), min_size=1
)


def dense(features):
    return features if isinstance(features, np.ndarray) else features.toarray()


def scored_alike(fitted, values):
    """The scores of the network, of the features and of the graph agree."""
    coef = np.random.default_rng(0).normal(size=(fitted.block.stop, 2))
    features = dense(fitted.encode(values))
    assert features.shape == (len(values), fitted.block.stop)
    assert np.isfinite(features).all()
    network = fitted.scoring(coef)
    graph = GraphBuilder()
    graph.output(network.encode(graph), "scores", "float32", ["batch", 2])
    session = open_session(graph.model().SerializeToString(), threads=1)
    found = session.run(None, network.input.transform(values))[0]
    np.testing.assert_allclose(network.scores(values), features @ coef, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(found, features @ coef, atol=1e-4, rtol=1e-4)


@settings(deadline=None, max_examples=12)
@given(learned=NUMBER_ROWS, asked=NUMBER_ROWS)
def test_numbers_are_encoded_alike_in_python_and_in_a_graph(learned, asked):
    scored_alike(NumberEncoder(fields=NUMBERS).fit(learned), asked)


@settings(deadline=None, max_examples=12)
@given(learned=WORD_ROWS, asked=WORD_ROWS)
def test_categories_are_encoded_alike_in_python_and_in_a_graph(learned, asked):
    scored_alike(CategoryEncoder(fields=WORDS).fit(learned), asked)


def test_ranks_are_normal_scores_whatever_the_scale():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=5000)
    fitted = NumberEncoder(fields=NUMBERS[:1], is_alone=True).fit(Numbers(np.exp(4 * normal)))
    value, rank = fitted.encode(Numbers(np.exp(4 * normal))).T
    assert np.corrcoef(rank, normal)[0, 1] > 0.999
    assert np.abs(value).max() <= 4
    assert np.all(np.diff(rank[np.argsort(normal)]) >= 0)


def test_constant_and_empty_columns_are_left_out_and_gaps_are_flagged():
    n = 50
    rows = Rows(
        {
            "a": Numbers(np.full(n, 3.0)),
            "b": Numbers(np.where(np.arange(n) % 5, np.arange(n) % 2, np.nan)),
            "t": Numbers(np.full(n, np.nan)),
        }
    )
    fitted = NumberEncoder(fields=NUMBERS).fit(rows)
    assert fitted.block.stop == 2  # the value of b, which has no rank of its own with two values, and its flag
    np.testing.assert_array_equal(fitted.encode(rows)[:, 1], np.isnan(rows.column("b").array))


def test_rare_levels_are_pooled_and_constant_fields_left_out():
    column = ["a"] * 150 + ["b"] * 100 + ["c", "d", "e", "f"] * 2 + [""] * 7
    rows = Rows({"x": Categories.of(column), "y": Categories.of(["same"] * len(column))})
    fitted = CategoryEncoder(fields=WORDS).fit(rows)
    assert fitted.block.stop == 4  # a, b, the rare ones and the missing ones
    asked = [{"x": x, "y": y} for x, y in (("a", "same"), ("c", "new"), ("f", ""), ("", ""), ("new", ""))]
    found = fitted.encode(asked).toarray()
    np.testing.assert_array_equal(found.argmax(axis=1)[:4], [0, 2, 2, 3])
    np.testing.assert_array_equal(found.sum(axis=1), [1, 1, 1, 1, 0])


@pytest.mark.parametrize("n", [20, 200_000])
def test_plain_blocks_of_a_table_are_those_of_all_columns_together(n):
    rng = np.random.default_rng(0)
    items = Rows(
        {
            "a": Numbers(rng.normal(size=n)),
            "b": Numbers(rng.normal(size=n)),
            "x": Categories(rng.integers(0, 3, n), ("p", "q", "r")),
        }
    )
    data = Dataset(
        name="d",
        modality="row",
        task="binary",
        fields=(*NUMBERS[:2], WORDS[0]),
        items=items,
        ids=range(n),
        targets=np.eye(2)[rng.integers(0, 2, n)],
        labels=("no", "yes"),
    )
    plain = PlainBlocks(data)
    assert plain.names == {"numbers", "categories"}
    assert plain.of_field("x") == {"categories"}
    assert not plain.of_field("a")
    widths = {block.name: (block.field, block.rows.shape) for block in plain.fit(np.arange(n // 2))}
    assert widths == {"numbers": (None, (n, 4)), "categories": (None, (n, 3))}
