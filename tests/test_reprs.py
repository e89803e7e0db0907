"""Results in an interactive session: one line each, and the top of the report in a notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import make_bundle, make_report

import headstart
from headstart.compression.compressed import Compressed
from headstart.compression.trial import Goal
from headstart.core.dataset import Dataset
from headstart.core.report import Score
from headstart.packaging import load_bundle
from headstart.pipeline.fitted import Fitted
from headstart.testing.tiny_report import RANKING


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = make_bundle(tmp_path_factory.mktemp("r") / "fruit")
    return Fitted(model=load_bundle(folder), report=make_report(), bundle=folder, seconds={})


@pytest.fixture
def dataset():
    return Dataset(
        name="t.csv",
        modality="text",
        task="binary",
        items=["a long text"] * 500,
        ids=["x"] * 500,
        targets=np.zeros((500, 2)),
        labels=("a", "b"),
    )


def test_results_are_one_short_line(fitted, dataset):
    score = Score(name="accuracy", value=0.9, low=0.8, high=1.0)
    compressed = Compressed(
        bundle=None, chosen=None, trials=(), goal=Goal(), original_mib=1.0, original=score, evaluation=""
    )
    results = (fitted, fitted.model, fitted.report, fitted.report.evaluation, dataset, RANKING, compressed)
    for result in results:
        said = repr(result)
        assert said.startswith(type(result).__name__ + "(")
        assert "\n" not in said
        assert len(said) < 250
    assert "accuracy 0.900" in repr(fitted)
    assert repr(dataset) == "Dataset(t.csv: 500 items of input (text); binary, 2 labels, 0 notices)"


def test_a_notebook_shows_the_top_of_the_report(fitted):
    for result in (fitted, fitted.model):
        shown = result._repr_html_()
        assert "Transfer helps: the model is right on 90" in shown
        assert "held-out items" in shown
        assert "<script" not in shown


def test_a_notebook_without_the_library_that_draws_shows_a_line(fitted, monkeypatch):
    def require(module, *, extra, purpose):
        raise headstart.core.errors.MissingExtraError(module)

    monkeypatch.setattr("headstart.reporting.page.require", require)
    assert fitted._repr_html_() is None


def test_only_what_is_public_is_listed():
    assert dir(headstart) == sorted(headstart.__all__)
    assert all(callable(getattr(headstart, name)) for name in dir(headstart))
    assert Path(headstart.__file__).name == "__init__.py"
