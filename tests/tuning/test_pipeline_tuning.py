"""The whole tuning on real weights: kept where it pays, proven on items that no network saw, packed, and a source again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import headstart
from headstart.data import load
from headstart.pipeline import tuning
from headstart.tuning import selection

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
    assert result["metric"]["n"] == below["metric"]["n"] == 24
    assert result["seconds"] > 0 < result["planned_s"]
    assert result["kept"] == result["why"].startswith("better than the closed form by more than one standard error")
    assert (fitted.report.heads.head == "contrastive") == result["kept"]
    assert fitted.report.evaluation.metric.value > 0.7
    assert headstart.load_bundle(fitted.bundle).predict(["Who wrote it ?", "How many are there ?"]) == ["HUM", "NUM"]
    assert ("tuned" in fitted.report.package.card) == result["kept"]


@pytest.fixture
def fit_in_folds(questions, monkeypatch):
    """Fits the 24 questions; most folds compare methods, and the last one only proves."""
    monkeypatch.setattr(selection, "_SUFFICIENT_HELD_OUT", 16)
    items, splits = questions
    texts, labels = zip(*(item for item, split in zip(items, splits, strict=True) if split == "train"), strict=True)
    return lambda: headstart.fit(
        (list(texts), list(labels)), source="all-minilm-l6-v2", tune="contrastive", baselines="none", progress=None
    )


def test_where_the_proof_is_in_folds_few_of_them_compare_and_all_of_them_prove(fit_in_folds):
    fitted = fit_in_folds()
    below, result = fitted.report.tuning.results
    assert result["metric"]["n"] == below["metric"]["n"] < 24
    assert result["kept"]
    assert fitted.report.evaluation.metric.n == fitted.report.evaluation.estimates["more of the same"].n == 24
    assert fitted.report.evaluation.metric.value > 0.9
    assert fitted.predict(["Who wrote it ?", "How many are there ?"]) == ["HUM", "NUM"]


def test_what_harms_on_the_items_that_prove_is_not_taken(fit_in_folds, monkeypatch):
    measured = tuning._measured

    def harmful(*settings):
        tuned = measured(*settings)
        return replace(tuned, outputs=1 - tuned.outputs)

    monkeypatch.setattr(tuning, "_measured", harmful)
    fitted = fit_in_folds()
    result = fitted.report.tuning.results[-1]
    assert not result["kept"]
    assert result["why"].startswith("on the 24 items that prove it was significantly worse than the closed form (-0.")
    assert fitted.report.heads.head != "contrastive"
    assert "tuned" not in fitted.report.package.card
