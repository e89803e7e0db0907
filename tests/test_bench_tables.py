"""The bench of tables draws, scores and ranks as its page says."""

import numpy as np
import pandas as pd
import pytest

from bench.peers.headstart_columns import own_cache
from bench.quality.tables_report import report, scores_of
from bench.quality.tables_score import score
from bench.results import Results
from bench.speed.rows import drawn
from bench.tables import PER_CLASS, Table
from headstart.storage.files import cache_folder


def table_of(labels):
    return Table(
        name="made", frame=pd.DataFrame({"x": np.arange(len(labels)), "y": labels}), target="y", task="multiclass"
    )


def row(method, value, *, table="a", seconds=1.0):
    times = dict.fromkeys(("train_s", "predict_s", "train_cpu_s", "predict_cpu_s"), seconds)
    facts = {"table": table, "size": 50, "draw": 0, "method": method, "task": "binary", "score": value}
    return {**facts, **(times if value is not None else {"failed": "it died"})}


def test_a_draw_has_each_class_by_its_share_but_the_rare_one_too():
    table = table_of(["a"] * 700 + ["b"] * 290 + ["c"] * 10)
    train, test = table.drawn(100, 0)
    counts = train.frame["y"].value_counts()
    assert len(train) == 100
    assert counts["c"] == PER_CLASS
    assert 65 <= counts["a"] <= 70
    assert not set(train.frame["x"]) & set(test.frame["x"])
    assert len(test) == 900


def test_the_same_draw_has_the_same_rows_and_another_has_others():
    table = table_of(["a", "b"] * 200)
    first, again, other = (table.drawn(50, draw)[0].frame["x"].tolist() for draw in (0, 0, 1))
    assert first == again
    assert first != other


def test_probabilities_are_scored_by_the_names_of_their_columns():
    table = Table(name="made", frame=pd.DataFrame({"y": ["no", "no", "no", "yes"]}), target="y", task="binary")
    probabilities = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]]
    found = score(table, probabilities, ["no", "yes"])
    assert found["score"] == found["auc"] == found["average_precision"] == found["accuracy"] == 1
    turned = score(table, [pair[::-1] for pair in probabilities], ["yes", "no"])
    assert turned == pytest.approx(found)
    assert score(table, probabilities, ["yes", "no"])["auc"] == 0


def test_a_method_that_failed_is_last_and_says_so(capsys):
    rows = [row("headstart fast", 0.8), row("catboost", 0.9), row("linear", None)]
    report(Results(None, rows))
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line.split() for line in printed.splitlines() if line and line.split()[0] != "method"}
    assert lines["catboost"][1] == "1.00"
    assert lines["linear"][1] == "3.00"
    assert lines["linear"][-1] == "1"
    assert "behind the best of all in 1 of 1: a (draw 0) 0.800, catboost 0.900" in printed


def test_only_cases_that_all_have_are_compared():
    rows = [row("a", 0.5), row("b", 0.6), row("a", 0.7, table="c")]
    cases, scores = scores_of(rows, ["a", "b"])
    assert cases == [("a", 50, 0)]
    assert scores.tolist() == [[0.5, 0.6]]


def test_a_smaller_table_of_payments_has_frauds_to_learn_from_and_to_be_asked_about():
    generator, n = np.random.default_rng(0), 8000
    payments = pd.DataFrame(
        {"Time": np.arange(n), "V1": generator.normal(size=n), "Class": generator.random(n) < 0.003}
    )
    payments = payments.astype({"Class": int})
    for n_rows in (1000, 10_000):
        rows = drawn(payments, n_rows)
        assert len(rows) == n_rows
        assert rows["Time"].is_monotonic_increasing
        assert rows["Class"].iloc[: 3 * n_rows // 4].sum() >= 10
        assert rows["Class"].iloc[3 * n_rows // 4 :].sum() >= 2
        assert not rows["V1"].duplicated().any()


def test_every_job_of_one_process_finds_the_weights(tmp_path, monkeypatch):
    (tmp_path / "sources").mkdir()
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    for _ in range(2):
        with own_cache():
            assert cache_folder() != tmp_path
            assert (cache_folder() / "sources").resolve(strict=True) == tmp_path / "sources"
    assert cache_folder() == tmp_path
