"""An example of what a bundle answers: levels and numbers that occur."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tiny_bundle import make_bundle
from tiny_table import TABLE_ROWS, make_table_bundle

from headstart.core.dataset import Field
from headstart.packaging import load_bundle
from headstart.packaging.example_item import example_item, levels_of
from headstart.sources.preprocessors.columns import Column, ColumnReader
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.renamed import FilledField, RenamedFields

PROFILES = (
    {"name": "debt", "modality": "number", "missing": 0.5, "quantiles": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]},
    {"name": "gone", "modality": "number", "missing": 0.0, "quantiles": [0.0] * 7},
)


def reader(*levels, is_alone=False):
    return ColumnReader(columns=(Column(name="town", holds="category", levels=levels),), is_alone=is_alone)


def test_it_is_of_medians_and_of_the_commonest_levels(tmp_path):
    bundle = load_bundle(make_table_bundle(tmp_path / "table", profiles=PROFILES))
    found = example_item(bundle)
    assert (found["debt"], found["class"]) == (3.0, "a")
    assert set(found) == set(TABLE_ROWS[0])
    assert bundle.predictions([found])[0].error == ""
    assert bundle.reads.receive(bundle.reads.give(found)) == found


def test_where_nothing_is_known_it_stands_for_the_modality(tmp_path):
    bundle = load_bundle(make_bundle(tmp_path / "fruit"))
    assert example_item(bundle) is bundle.reads.example


@pytest.mark.parametrize("are_others_first", [True, False])
def test_levels_are_those_of_the_own_data_before_those_of_a_source(are_others_first):
    renamed = RenamedFields(
        inner=reader("(rare 0)", "b"), fields=(FilledField(field=Field("town", "category"), given="city"),)
    )
    own = ColumnReader(
        columns=(Column(name="city", holds="category", levels=("a", "b")), Column(name="age", holds="number"))
    )
    parts = (renamed, own) if are_others_first else (own, renamed)
    bundle = SimpleNamespace(
        fields=(Field("city", "category"), Field("age", "number")), input=JointPreprocessor(inputs=parts)
    )
    assert levels_of(bundle) == {"city": ("a", "b")}
    bundle.input = renamed
    assert levels_of(bundle) == {"city": ("(rare 0)", "b")}


def test_levels_of_the_one_column_that_there_is():
    bundle = SimpleNamespace(fields=(Field("where", "category"),), input=reader("x", "y", is_alone=True))
    assert levels_of(bundle) == {"where": ("x", "y")}
    missing = FilledField(field=Field("town", "category"), given=None)
    bundle.fields = (Field("a", "number"), Field("b", "number"))
    bundle.input = RenamedFields(inner=reader("x"), fields=(missing,))
    assert levels_of(bundle) == {}
