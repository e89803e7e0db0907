"""Columns of a table are read alike from dicts, packed columns and a graph."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.dataset import Field
from headstart.core.errors import DataError, SourceError
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources import onnx_preprocessors
from headstart.sources.preprocessors.columns import Column, ColumnReader, learn_columns
from headstart.sources.preprocessors.date_parts import date_parts

FIELDS = (Field("age", "number"), Field("job", "category"), Field("seen", "date"), Field("größe", "number"))
TYPES = {"number": "float64", "category": "string", "date": "float64"}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "age": st.floats(allow_nan=True, allow_infinity=True),
            "job": st.text(max_size=4) | st.sampled_from(["", "Köchin", "漢字 👍", "a\nb", "\ud800"[:0]]),
            "seen": st.floats(-1e12, 1e12) | st.just(math.nan),
            "größe": st.floats(width=32) | st.integers(-9, 9).map(float),
        }
    ),
    min_size=1,
    max_size=12,
)


def packed(rows):
    return Rows(
        {
            one.name: Categories.of([row[one.name] for row in rows])
            if one.modality == "category"
            else Numbers(np.array([row[one.name] for row in rows]))
            for one in FIELDS
        }
    )


def in_graph(reader, rows, types=TYPES):
    graph = GraphBuilder()
    names = {one.name: f"in{i}" for i, one in enumerate(reader.columns)}
    inputs = {one.name: graph.input(names[one.name], types[one.holds], ["batch"]) for one in reader.columns}
    found = onnx_preprocessors.add_nodes(graph, reader, inputs, are_files=False)["columns"]
    graph.output(found, "out", "float32", ["batch", reader.width])
    session = open_session(graph.model().SerializeToString(), threads=1)
    feeds = {
        names[one.name]: np.array(
            [row[one.name] for row in rows], object if one.holds == "category" else types[one.holds]
        )
        for one in reader.columns
    }
    return session.run(None, feeds)[0]


@settings(deadline=None, max_examples=25)
@given(learned=ROWS, asked=ROWS)
def test_dicts_packed_columns_and_a_graph_are_read_alike_to_the_last_bit(learned, asked):
    reader = learn_columns(packed(learned), FIELDS)
    assert learn_columns(learned, FIELDS) == reader
    expected = reader.transform(asked)["columns"]
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(reader.transform(packed(asked))["columns"], expected)
    np.testing.assert_array_equal(in_graph(reader, asked), expected)
    again = ColumnReader.build(reader.settings(), reader.files())
    np.testing.assert_array_equal(again.transform(asked)["columns"], expected)


def test_missing_unseen_and_huge_values_have_their_place():
    reader = learn_columns([{"age": 1.0, "job": "cook"}, {"age": 2.0, "job": ""}], FIELDS[:2])
    found = reader.transform(
        [{"age": math.nan, "job": "smith"}, {"age": -math.inf, "job": ""}, {"age": 1e300, "job": "cook"}]
    )
    np.testing.assert_array_equal(found["columns"], np.array([[np.nan, -1], [-1e30, np.nan], [1e30, 0]], np.float32))


def test_the_commonest_level_comes_first_whatever_the_order_of_the_rows():
    column = ["b", "a", "c", "b", "a", "b"]
    for values in (column, column[::-1], Categories.of(column), Categories.of(column[::-1])):
        reader = learn_columns(values, (Field("x", "category"),), is_alone=True)
        assert reader.columns[0].levels == ("b", "a", "c")
        assert reader.transform(values)["columns"].shape == (6, 1)


def test_dates_are_taken_apart():
    monday = 946_684_800 + 2 * 86_400  # 3 January 2000
    parts = date_parts(np.array([monday, monday + 5.75 * 86_400, np.nan]))
    np.testing.assert_allclose(parts[0][[0, 3, 4, 5]], [2, 0, 0, 0])
    np.testing.assert_allclose(parts[1][[0, 3, 4, 5]], [7.75, 5, 1, 18])
    assert np.isnan(parts[2]).all()


def test_a_row_that_lacks_a_field_is_named():
    reader = learn_columns([{"age": 1.0, "job": "cook"}], FIELDS[:2])
    with pytest.raises(DataError, match="item 2 needs a field 'job'"):
        reader.transform([{"age": 1.0, "job": "cook"}, {"age": 1.0}])


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        ({"columns": [{"name": "a", "holds": "number"}]}, {}),
        ({"columns": [], "is_alone": False}, {}),
        ({"columns": [{"name": "a", "holds": "photo"}], "is_alone": False}, {}),
        ({"columns": [{"name": "a", "holds": "category"}], "is_alone": False}, {}),
        ({"columns": [{"name": "a", "holds": "category"}], "is_alone": False}, {"levels.json": b"{}"}),
        ({"columns": [{"name": "a", "holds": "category"}], "is_alone": False}, {"levels.json": b"\xff"}),
    ],
)
def test_damaged_settings_are_an_error(settings, files):
    with pytest.raises(SourceError, match="Save the model again"):
        ColumnReader.build(settings, files)


def test_one_row_is_read_in_microseconds_and_many_in_seconds():
    columns = [Column(name=f"n{i}", holds="number") for i in range(20)]
    columns += [Column(name=f"c{i}", holds="category", levels=("x", "y", "z")) for i in range(10)]
    reader = ColumnReader(columns=tuple(columns))
    row = [{one.name: 1.5 if one.holds == "number" else "y" for one in columns}]
    best = math.inf
    for _ in range(50):
        started = time.perf_counter()
        for _ in range(20):
            reader.transform(row)
        best = min(best, (time.perf_counter() - started) / 20)
    assert best < 100e-6  # about 20 µs on the machine where this was written
    n = 100_000
    many = Rows(
        {
            one.name: Numbers(np.zeros(n)) if one.holds == "number" else Categories(np.zeros(n), ("x",))
            for one in columns
        }
    )
    started = time.perf_counter()
    assert reader.transform(many)["columns"].shape == (n, 30)
    assert time.perf_counter() - started < 2
