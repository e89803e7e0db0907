import math
from unittest.mock import patch

import numpy as np
import pytest
from tiny_bundle import TinyHead, make_bundle, make_schema

from headstart import load_bundle
from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.packaging.model import Bundle
from headstart.packaging.one_row import OneRow
from headstart.sources.preprocessors.columns import ColumnReader, learn_columns
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.nothing import NoPreprocessor

FIELDS = (Field("age", "number"), Field("job", "category"), Field("debt", "number"))
ROWS = [
    {"age": 31.5, "job": "cook", "debt": 3.0},
    {"age": 50.0, "job": "smith", "debt": -4.0},
    {"age": 20.0, "job": "", "debt": float("nan")},
]
READER = learn_columns(ROWS, FIELDS)
QUICK = [
    {"age": 1.25, "job": "smith", "debt": 1e29},
    {"debt": 7, "job": "cook", "age": -3},  # whole numbers, in another order
]
SLOW = [
    {"age": 1.0, "job": "smith", "debt": float("nan")},
    {"age": None, "job": "smith", "debt": 2.0},
    {"age": 1e35, "job": "smith", "debt": 2.0},
    {"age": "1.5", "job": "smith", "debt": 2.0},
    {"age": True, "job": "smith", "debt": 2.0},
    {"age": 1.0, "job": " smith ", "debt": 2.0},
    {"age": 1.0, "job": "never seen", "debt": 2.0},
    {"age": 1.0, "job": None, "debt": 2.0},
    {"age": np.float64(1.0), "job": "cook", "debt": 2.0},
    {"age": 1.0, "job": "smith", "debt": 2.0, "more": 3.0},
]
WRONG = [
    {"age": 1.0, "job": "smith"},
    {"age": 1.0, "job": "smith", "owed": 2.0},
    {"age": math.inf, "job": "smith", "debt": 2.0},
    {"age": "many", "job": "smith", "debt": 2.0},
    {"age": 1.0, "job": ["smith"], "debt": 2.0},
    {"age": None, "job": None, "debt": None},
    [1.0, "smith", 2.0],
    None,
]


class Columns:
    name, modality, digest, dimensions = "columns", "row", "0" * 64, 3
    input = JointPreprocessor(inputs=(READER, JointPreprocessor(inputs=(READER,))))

    def encode(self, graph):
        first, second = (graph.input(name, "float32", ["batch", 3]) for name in ("0.columns", "1.0.columns"))
        added = graph.op("Add", first, second)
        held = graph.op("Max", graph.op("Min", added, graph.constant(np.float32(9))), graph.constant(np.float32(-9)))
        return graph.op("Where", graph.op("IsNaN", held), graph.constant(np.float32(0)), held)


class Predictor:
    name = "columns + linear"
    network = Columns()
    head = TinyHead(np.random.default_rng(2).normal(size=(3, 2)) / 5)

    def predict(self, items):
        return self.head.outputs(np.nan_to_num(np.clip(2 * READER.read(items), -9, 9)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    schema = make_schema(
        name="table",
        modality="row",
        task="binary",
        labels=("0", "1"),
        columns={"input": "age,job,debt"},
        fields=FIELDS,
    )
    folder = tmp_path_factory.mktemp("bundles") / "table"
    moments = {"mean": np.zeros(3), "scatter": np.eye(3)}
    return load_bundle(
        make_bundle(folder, predictor=Predictor(), schema=schema, check_items=ROWS, moments=moments), trust=()
    )


def asked(bundle, row, *, is_quick):
    """What is said of one row, or the error; and whether the general way was gone."""
    with patch.object(Bundle, "_given", autospec=True, side_effect=Bundle._given) as given:
        try:
            said = bundle.predict([row]), bundle.predict_proba([row]).tolist(), bundle.predictions([row])
        except DataError as error:
            said = str(error)
        assert (given.call_count == 0) == is_quick
    return said


def in_general(bundle, row):
    with patch.object(OneRow, "batch", return_value=None):
        return asked(bundle, row, is_quick=False)


@pytest.mark.parametrize("row", QUICK)
def test_a_row_that_needs_no_closer_look_is_answered_by_the_short_way_and_the_same(bundle, row):
    assert asked(bundle, row, is_quick=True) == in_general(bundle, row)


@pytest.mark.parametrize("row", [*SLOW, *WRONG], ids=repr)
def test_any_other_row_goes_the_general_way(bundle, row):
    said = asked(bundle, row, is_quick=False)
    assert said == in_general(bundle, row)
    assert isinstance(said, str) == (row in WRONG)


def test_the_arrays_are_those_of_the_preprocessor(bundle):
    found = bundle._one_row.batch([QUICK[1]])
    made = bundle.input.transform([{"age": -3.0, "job": "cook", "debt": 7.0}])
    assert {name: array.tolist() for name, array in found.items()} == {name: a.tolist() for name, a in made.items()}
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("items", [[], QUICK, tuple(QUICK[:1]), "age", {"age": [1.0]}, [QUICK[:1]]])
def test_only_a_list_of_one_dict_is_one_row(bundle, items):
    assert bundle._one_row.batch(items) is None


def test_an_integer_is_read_by_the_general_way_where_numbers_are_written_in_another_way():
    fields = (Field("age", "number", ",|"), *FIELDS[1:])
    assert OneRow.of(fields, READER).batch([QUICK[1]]) is None
    assert OneRow.of(fields, READER).batch([QUICK[0]]) is not None


def test_a_level_that_is_not_read_as_it_is_written_is_left_to_the_general_way():
    reader = learn_columns([{**row, "job": "TRUE"} for row in ROWS], FIELDS)
    assert OneRow.of(FIELDS, reader).batch([{**QUICK[0], "job": "TRUE"}]) is None


def test_there_is_no_short_way_for_other_fields_and_other_preprocessors():
    dated = (*FIELDS[:2], Field("debt", "date"))
    assert OneRow.of(dated, learn_columns([{**row, "debt": 0.0} for row in ROWS], dated)) is None
    assert OneRow.of(FIELDS, ColumnReader(columns=READER.columns[:2])) is None
    assert OneRow.of(FIELDS, JointPreprocessor(inputs=(READER,), fields=("age",))) is None
    assert OneRow.of(FIELDS, JointPreprocessor(inputs=(READER, NoPreprocessor()), fields=(None, "job"))) is None
