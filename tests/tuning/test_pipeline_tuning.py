"""The whole tuning on real weights: kept where it pays, proven on items that no network saw, packed, and a source again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import headstart
from headstart.data import load
from headstart.evaluation import mixing
from headstart.pipeline import tuning
from headstart.tuning import selection
from headstart.tuning.methods.fine_tune import FineTune
from headstart.tuning.plan import PlannedRun

pytestmark = [pytest.mark.downloads, pytest.mark.usefixtures("fetched_cache")]


@pytest.fixture
def questions(real_data):
    """Twelve questions of each of two kinds to learn from, and 60 others."""
    dataset = load(real_data("questions"))
    codes, chosen = dataset.codes, np.random.default_rng(0).permutation(len(dataset))
    kinds = [dataset.labels.index(name) for name in ("HUM", "NUM")]
    of_each = [chosen[codes[chosen] == kind][:42] for kind in kinds]
    items = [(dataset.items[i], dataset.labels[codes[i]]) for some in of_each for i in some]
    splits = ["train" if place < 12 else "test" for _ in kinds for place in range(42)]
    return items, splits


def test_contrastive_on_few_questions(questions, tmp_path):
    import pandas as pd

    items, splits = questions
    table = pd.DataFrame(items, columns=["text", "label"]).assign(split=splits)
    fitted = headstart.fit(
        table,
        target="label",
        source="all-minilm-l6-v2",
        tune="contrastive",
        baselines="simple",
        out=tmp_path / "model",
    )
    below, result = fitted.report.tuning.results
    assert (below["name"], result["name"], result["below"]) == ("closed form", "contrastive", "closed form")
    assert result["metric"]["n"] == below["metric"]["n"] == fitted.report.evaluation.n_test == 60
    assert result["seconds"] > 0 < result["planned_s"]
    weights = {model.family: model.weight for model in fitted.report.ablation.models}
    assert result["kept"] == (weights["tuned"] > 0)
    assert fitted.report.evaluation.metric.value > 0.7
    assert headstart.load_bundle(fitted.bundle).predict(["Who wrote it ?", "How many are there ?"]) == ["HUM", "NUM"]
    assert ("tuned" in fitted.report.package.card) == result["kept"]


@pytest.fixture
def fit_in_folds(questions, monkeypatch):
    """Fits the 24 questions; of several folds the first ones are enough to tune on."""
    monkeypatch.setattr(selection, "_SUFFICIENT_HELD_OUT", 16)
    items, splits = questions
    texts, labels = zip(*(item for item, split in zip(items, splits, strict=True) if split == "train"), strict=True)
    return lambda: headstart.fit(
        (list(texts), list(labels)), source="all-minilm-l6-v2", tune="contrastive", baselines="none", progress=None
    )


def test_the_folds_that_were_tuned_on_are_those_that_prove(fit_in_folds):
    fitted = fit_in_folds()
    below, result = fitted.report.tuning.results
    assert result["metric"]["n"] == below["metric"]["n"] == fitted.report.evaluation.metric.n < 24
    assert result["kept"]
    assert "folds" in fitted.report.evaluation.protocol
    assert fitted.predict(["Who wrote it ?", "How many are there ?"]) == ["HUM", "NUM"]
    assert "tuned" in str(fitted.report.package.source)


def test_what_says_the_opposite_gets_no_weight_and_is_not_trained(fit_in_folds, monkeypatch):
    held_out = tuning._held_out

    def harmful(*settings):
        tuned = held_out(*settings)
        return replace(tuned, model=replace(tuned.model, outputs=1 - tuned.model.outputs))

    monkeypatch.setattr(tuning, "_held_out", harmful)
    monkeypatch.setattr(mixing, "_PRIOR_ITEMS", 1.0)  # there are 16 items to say so
    fitted = fit_in_folds()
    assert not fitted.report.tuning.results[-1]["kept"]
    assert "contrastive" not in fitted.report.package.deployed
    assert "tuned" not in fitted.report.package.card


def test_a_budget_decides_on_how_many_folds_and_how_long():
    method = FineTune()
    planned = [PlannedRun(method=method, seconds=60.0)]  # ten seconds a run of five folds and the final one
    folds = [(np.arange(3), np.arange(3, 5))] * 5
    affordable = partial(tuning.affordable, planned, folds, 1)
    assert [len(affordable(seconds)[0]) for seconds in (None, 600, 45, 22, 12)] == [5, 5, 3, 1, 1]
    assert affordable(22.0)[1][0].seconds == pytest.approx(20.0)
    assert affordable(12.0)[1][0].seconds == pytest.approx(10.0)  # without the final run: the fold's network can ship
    _, (shorter,) = affordable(6.0)
    assert shorter.method.settings.max_steps == round(0.57 * method.settings.max_steps)
    assert shorter.seconds == pytest.approx(5.7)
    _, (shortest,) = affordable(2.0)
    assert shortest.seconds == pytest.approx(5.0)  # half as long and no less; `tune` then says that there is no time


def test_a_run_on_the_items_that_ship_is_the_only_one_of_a_given_test_part():
    planned = [PlannedRun(method=FineTune(), seconds=10.0)]
    _, (whole,) = tuning.affordable(planned, [(np.arange(3), np.arange(3, 5))], 0, 12.0)
    assert whole == planned[0]


def test_without_time_for_a_run_on_all_items_the_network_of_the_first_fold_ships(fit_in_folds, monkeypatch):
    held_out = tuning._held_out

    def hurried(*settings):
        tuned = held_out(*settings)
        return replace(tuned, model=replace(tuned.model, seconds=1e9))

    monkeypatch.setattr(tuning, "_held_out", hurried)
    fitted = fit_in_folds()
    assert "learned from 1" in fitted.report.tuning.results[-1]["why"]  # 16 of 24, or a little more
    assert fitted.predict(["Who wrote it ?", "How many are there ?"]) == ["HUM", "NUM"]
