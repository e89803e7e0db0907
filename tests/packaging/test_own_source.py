"""A source of the user's own: sealed without rows, opened, refused where it is damaged."""

from __future__ import annotations

import json

import pytest

from headstart.core.errors import BundleError
from headstart.data.column_profiles import ColumnProfile
from headstart.data.data_section import DataSection
from headstart.evaluation.columns_section import ColumnEffect, ColumnsSection
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging import load_bundle
from headstart.packaging.own_source import (
    SOURCE,
    SourceRecord,
    _hidden,
    is_own_source,
    open_own_source,
    seal_source,
    without_rare_levels,
    without_rows,
)
from headstart.testing.small_bundles import LABELS, make_bundle, make_items
from headstart.testing.tiny_report import make_report

RECORD = SourceRecord(profiles=(ColumnProfile(name="text", modality="text"),), n_rows=240)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle("table", tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture
def source(bundle, tmp_path):
    return seal_source(bundle, tmp_path / "source", RECORD)


def test_a_source_is_a_bundle_too_and_predicts_the_same(bundle, source):
    items = list(make_items("table")[0][:5])
    assert load_bundle(source).predict(items) == load_bundle(bundle).predict(items)
    assert is_own_source(source)
    assert not is_own_source(bundle)
    assert not is_own_source("all-minilm-l6-v2")


def test_what_was_sealed_is_opened(source):
    found = open_own_source(source)
    assert (found.labels, found.n_rows, found.profiles) == (LABELS, 240, RECORD.profiles)
    assert found.quality["name"]


def test_a_bundle_is_not_taken_for_a_source(bundle):
    with pytest.raises(BundleError, match="headstart pretrain"):
        open_own_source(bundle)


def test_a_changed_byte_is_refused(source):
    said = json.loads((source / SOURCE).read_text())
    (source / SOURCE).write_text(json.dumps({**said, "n_rows": 1_000_000}))
    with pytest.raises(BundleError, match="should have|has been changed"):
        open_own_source(source)


def test_an_older_source_is_replaced_and_other_things_are_not(bundle, source, tmp_path):
    seal_source(bundle, source, RECORD)
    assert is_own_source(source)


def test_nothing_of_single_rows_is_left_in_the_report():
    report = make_report(labels=LABELS, task="binary", deployed="x")
    shown = {"id": "row 1", "true": "apple", "predicted": "kiwi", "probability": 0.9, "text": "my secret"}
    report = report.with_section(
        report[DataSection].__class__(
            **{**vars(report[DataSection]), "duplicate_groups": ({"size": 2, "members": [{"text": "my secret"}]},)}
        ),
        report[EvaluationSection].__class__(
            **{**vars(report[EvaluationSection]), "figures": {"mistakes": [shown], "label_issues": [shown]}}
        ),
    )
    assert "my secret" in json.dumps(report.to_dict())
    assert "my secret" not in json.dumps(without_rows(report).to_dict())


def test_effects_of_rare_levels_are_left_out():
    curve = ({"at": "common", "value": 0.1}, {"at": "Jane Doe", "value": 0.2})
    who = ColumnEffect(name="who", modality="category", missing=0.0, change=0.1, curve=curve)
    age = ColumnEffect(name="age", modality="number", missing=0.0, change=0.1, curve=({"at": 40.0, "value": 0.5},))
    report = make_report(labels=LABELS, task="binary", deployed="x").with_section(ColumnsSection(columns=(who, age)))
    kept = without_rare_levels(report, {"who": {"common": 0.9}})[ColumnsSection].columns
    assert [point["at"] for one in kept for point in one.curve] == ["common", 40.0]


def test_rare_levels_lose_their_names_and_keep_their_codes():
    content = json.dumps({"who": ["common", "Jane Doe"]}).encode()
    hidden = json.loads(_hidden("input/0.levels.json", content, {"who": {"common": 0.9}}))
    assert hidden["who"][0] == "common"
    assert len(hidden["who"]) == 2
    assert "Jane" not in hidden["who"][1]
    assert _hidden("input/vocabulary.txt", content, {}) == content
