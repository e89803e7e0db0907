"""A table becomes a source, and other data takes from it: from a file to a bundle."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import headstart
from headstart.core.errors import OptionError, StorageError
from headstart.data import load
from headstart.packaging.own_source import open_own_source
from headstart.pipeline.own_sources import match_own_source
from headstart.pipeline.pretraining import moments_of_rows, plain_columns

QUICK = {"preset": "fast", "baselines": "simple", "progress": None}


def rows_of(n, seed, names=("age", "amount", "colour"), scale=1.0):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        age, amount, colour = rng.normal(40, 10), rng.lognormal(3, 1), rng.choice(["red", "blue", "green"])
        score = (age - 40) / 5 - (np.log(amount) - 3) + 1.5 * (colour == "red") + rng.normal() * 0.7
        values = (round(age, 1), round(amount, 2) * scale, str(colour))
        rows.append({**dict(zip(names, values, strict=True)), "bought": "yes" if score > 0.5 else "no"})
    return rows


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory, fetched_cache):
    folder = tmp_path_factory.mktemp("source")
    rows = rows_of(120, 1)
    rows[0]["colour"] = "a colour that Jane Doe made up"
    return headstart.pretrain(write(folder / "s.csv", rows), target="bought", out=folder / "source", **QUICK).folder


def test_a_source_predicts_and_holds_no_rare_level(source):
    assert set(headstart.load_bundle(source).predict([{"age": 60.0, "amount": 5.0, "colour": "red"}])) <= {"yes", "no"}
    found = open_own_source(source)
    assert {one.name for one in found.profiles} == {"age", "amount", "colour"}
    assert found.plain is not None
    for path in source.rglob("*"):
        if path.is_file():
            assert b"Jane Doe" not in path.read_bytes(), path


def test_other_data_takes_from_it(source, tmp_path):
    names = ("Age", "amt_cents", "colour")
    data = write(tmp_path / "t.csv", rows_of(40, 2, names, 100.0))
    fitted = headstart.fit(
        data, target="bought", out=tmp_path / "model", source=str(source), match="amt_cents=amount*0.01", **QUICK
    )
    models = {one["name"]: one for one in fitted.to_dict()["models"]}
    assert any(one["family"] == "own" and one["weight"] > 0.3 for one in models.values())
    section = fitted.report.own_source
    assert {one["target"] for one in section.sources[0].columns} == set(names)
    assert "held-out rows" in section.worth
    assert fitted.to_dict()["own_source"]["sentences"] == list(section.sentences)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "# Your own source" in card
    assert "fitted on this data alone" not in card
    test = rows_of(300, 3, names, 100.0)
    items = [{name: row[name] for name in names} for row in test]
    right = np.mean([found == row["bought"] for found, row in zip(fitted.predict(items), test, strict=True)])
    assert right > 0.75
    assert "Your own source" in (tmp_path / "model" / "report.html").read_text()
    json.dumps(fitted.to_dict())


def test_another_unit_is_proposed(source):
    data = load([*rows_of(120, 1, scale=100.0)], target="bought")
    matched = match_own_source(data, open_own_source(source))
    assert any("--match amount=amount*0.01" in one for one in matched.matches.proposals())


def test_a_table_without_a_like_column_is_refused(source):
    data = load([{"x1": float(i), "x2": i % 7 / 2, "bought": ("yes", "no")[i % 2]} for i in range(30)], target="bought")
    with pytest.raises(OptionError, match="no column"):
        match_own_source(data, open_own_source(source))


def test_a_folder_of_other_things_is_not_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StorageError):
        headstart.pretrain([{"a": 1}], out=tmp_path)


def test_plain_columns_are_what_their_graph_gives():
    data = load(rows_of(50, 5), target="bought")
    plain = plain_columns(data)
    from headstart.onnx_graph.session import open_session

    columns = open_session(plain.graph).run(["outputs"], plain.input.transform(data.items))[0]
    signs = data.task_spec.regression_targets(data.targets)
    expected = moments_of_rows([columns], signs)
    np.testing.assert_allclose(plain.moments.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(plain.moments.cross, expected.cross, atol=1e-3)
