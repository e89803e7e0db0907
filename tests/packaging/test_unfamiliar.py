"""What a model of a table knows nothing like is said, column by column, once; no door refuses a column more."""

import json

import numpy as np
import pandas as pd
import pytest
from tiny_table import TABLE, TABLE_ROWS, make_table_bundle
from typer.testing import CliRunner

from headstart.cli.app import app
from headstart.core.errors import DataError
from headstart.core.report import Report
from headstart.data.items import read_items
from headstart.data.modalities import Row
from headstart.evaluation.columns_section import ColumnEffect, ColumnsSection
from headstart.packaging import load_bundle
from headstart.packaging.unfamiliar import unfamiliar_notices
from headstart.sources.preprocessors.columns import learn_columns
from headstart.sources.preprocessors.joint import JointPreprocessor

STRANGE = [
    {**TABLE_ROWS[0], "class": "c"}, {**TABLE_ROWS[1], "class": "c"}, {**TABLE_ROWS[1], "class": "dé"}, TABLE_ROWS[2],
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_table_bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture(scope="module")
def bundle(folder):
    return load_bundle(folder)


def report_of(*, has_curves=False):
    curve = tuple({"at": float(at), "value": 0.5} for at in (150, 170, 190))
    effect = ColumnEffect(name="Größe (cm)", modality="number", missing=0.0, change=0.1, curve=curve)
    return Report((ColumnsSection(columns=(effect,)),) if has_curves else ())


def test_categories_that_were_never_seen_are_counted_by_column(bundle):
    for given in (STRANGE, pd.DataFrame(STRANGE)):
        (said,) = bundle.unfamiliar(given)
        assert said.kind == "unseen"
        assert said.message.startswith(
            "categories that the model never saw: 3 cells of 'class' ('c', 'dé'). They count as none"
        )
    assert bundle.unfamiliar(TABLE_ROWS) == ()


def test_levels_of_all_parts_of_a_model_count_together():
    readers = tuple(learn_columns([row], TABLE) for row in TABLE_ROWS[:2])
    joint = JointPreprocessor(inputs=readers)
    (said,) = unfamiliar_notices(STRANGE, Row(TABLE), joint, report_of)
    assert "3 cells of 'class'" in said.message


def test_numbers_far_outside_of_the_reports_curves_are_said():
    prepared = learn_columns(TABLE_ROWS, TABLE)
    rows = [{**TABLE_ROWS[0], "Größe (cm)": value} for value in (1.7, 389.0, 391.0, 1e9, np.nan)]
    (said,) = unfamiliar_notices(rows, Row(TABLE), prepared, lambda: report_of(has_curves=True))
    assert "2 cells of 'Größe (cm)' ('391', '1e+09')" in said.message
    assert said.kind == "far"


def test_predict_says_it_once_on_standard_error(folder, tmp_path):
    table = tmp_path / "t.csv"
    pd.DataFrame(STRANGE).assign(more=1).to_csv(table, index=False)
    found = CliRunner().invoke(app, ["predict", str(folder), str(table), "--json"])
    assert found.exit_code == 0, found.output
    assert len(json.loads(found.stdout)) == 4
    assert found.stderr.count("3 cells of 'class'") == 1
    assert found.stderr.count("column 'more' is not read") == 1


def test_a_column_more_is_no_error_at_any_door(bundle, tmp_path):
    wider = [{**row, "more": 1, "id": 7} for row in TABLE_ROWS]
    expected = bundle.predict_proba(TABLE_ROWS)
    for given in (wider, pd.DataFrame(wider), pd.DataFrame(wider).to_dict("list")):
        np.testing.assert_array_equal(bundle.predict_proba(given), expected)
        items = read_items(given, modality=bundle.reads)
        np.testing.assert_array_equal(bundle.predict_proba(items.items), expected)
        assert [notice.message for notice in items.notices if notice.kind == "unread"] == [
            "columns 'more', 'id' are not read: the model learned from others."
        ]


def test_all_columns_that_are_lacking_are_named_with_the_nearest_of_those_there(bundle):
    renamed = [{"größe_cm": 1.0, "Class_": "a", "seen, last": None, "other": 3.0}]
    for given, words in (
        (renamed, "item 1: a record has no fields 'Größe (cm)', 'class', 'debt' "),
        (pd.DataFrame(renamed), "the frame has no columns 'Größe (cm)', 'class', 'debt' "),
    ):
        with pytest.raises(DataError) as error:
            bundle.predict(given)
        assert str(error.value).startswith(words)
        assert " Is 'größe_cm' the 'Größe (cm)', and 'Class_' the 'class'? Rename them." in str(error.value)
