"""Whole fits of small tables, from the command line and in Python: sheets, time, groups, weights, thresholds; and compressing what ships."""

import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import headstart
from headstart.cli.app import app
from headstart.core.errors import OptionError

N = 120


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({
        "tenure": rng.integers(0, 72, N),
        "plan": rng.choice(["month", "year"], N),
        "site": np.arange(N) % 12,
        "year": np.sort(rng.integers(2015, 2019, N)),
    })  # fmt: skip
    odds = rows.tenure / 20 - 2 * (rows.plan == "month") + rng.normal(0, 0.7, N)
    return rows.assign(leaves=np.where(odds < 0.2, "yes", "no"))


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def fit_by_command(data, out, *words):
    found = run(
        "fit", data, "--target", "leaves", "--out", out, "--preset", "fast", "--progress", "none", "--json", *words
    )
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_a_sheet_is_fitted_and_predicted(table, tmp_path):
    book = openpyxl.Workbook()
    for name in ("Kunden", "Notes"):
        sheet = book.create_sheet(name)
        for row in [[*table.columns], *table.values.tolist()]:
            sheet.append(row)
    book["Kunden"].merge_cells("B2:B3")
    book.save(tmp_path / "t.xlsx")
    refused = run("fit", tmp_path / "t.xlsx", "--target", "leaves", "--out", tmp_path / "m")
    assert "Which is meant? Name it behind a number sign: " in str(refused.exception)
    figures = fit_by_command(tmp_path / "t.xlsx", tmp_path / "m", "--sheet", "Kunden")
    assert any(notice["kind"] == "merged-cells" for notice in figures["notices"])
    answers = run("predict", tmp_path / "m", tmp_path / "t.xlsx", "--sheet", "Notes", "--json")
    assert answers.exit_code == 0, answers.output
    assert len(json.loads(answers.stdout)) == N
    wrong = run("predict", tmp_path / "m", tmp_path / "t.xlsx", "--sheet", "Note", "--json")
    assert "Did you mean 'Notes'" in str(wrong.exception)


def test_along_time_with_weights(table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    figures = fit_by_command(
        tmp_path / "t.csv", tmp_path / "m", "--time", "year", "--class-weights", "yes=4"
    )  # fmt: skip
    assert "'yes' is predicted from a probability of 0.2 on" in figures["decision"]
    model = headstart.load_bundle(tmp_path / "m")
    assert "year" not in {field.name for field in model.fields}
    chance = model.predict_proba(table)[:, model.labels.index("yes")]
    assert (np.array(model.predict(table)) == np.where(chance >= 0.2, "yes", "no")).mean() > 0.99
    compressed = run("compress", tmp_path / "m", tmp_path / "t.csv", "--target", "leaves", "--out", tmp_path / "small")
    assert "No method is applicable to this model: networks and large tables" in str(compressed.exception)
    assert "headstart export" in str(compressed.exception)


def test_groups_stay_whole_and_a_threshold_is_kept(table):
    fitted = headstart.fit(
        table, target="leaves", group="site", threshold={"yes": 0.7}, preset="fast", progress=None
    )  # fmt: skip
    assert fitted.to_dict()["n_groups"] == 12
    chance = fitted.predict_proba(table)[:, fitted.model.labels.index("yes")]
    assert (np.array(fitted.predict(table)) == np.where(chance >= 0.7, "yes", "no")).mean() > 0.99
    with pytest.raises(OptionError, match="'maybe'"):
        headstart.fit(table, target="leaves", threshold={"maybe": 0.7}, preset="fast", progress=None)


def test_nothing_to_fit_is_said():
    data = {"age": np.random.default_rng(0).normal(size=40), "y": ["no", "yes"] * 20}
    with pytest.raises(OptionError, match="no model to fit"):
        headstart.fit(data, target="y", source="none", baselines="none", progress=None)
