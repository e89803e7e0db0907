"""The published checks of every baseline, and what is known of the built-in ones beyond them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax

import tiny
from headstart.core.dataset import Dataset
from headstart.core.errors import OptionError
from headstart.core.registry import get, names
from headstart.core.tasks import get_task
from headstart.engines.context import RunContext
from headstart.evaluation import small_cnn
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.baselines import histograms
from headstart.evaluation.baselines.convolutional import Convolutional
from headstart.evaluation.baselines.histograms import Histograms
from headstart.evaluation.baselines.tfidf import Tfidf
from headstart.testing import checks_of
from headstart.testing.baselines import run_graph
from headstart.testing.small_data import dataset


@pytest.fixture(autouse=True)
def _quick(monkeypatch, cache):
    monkeypatch.setattr(small_cnn, "n_epochs", lambda n: 12)


def separable(modality, task, n=90):
    return dataset(get_task(task), modality, get("examples.modalities", modality).draw, n=n)


@pytest.mark.parametrize("check", checks_of("baselines"), ids=str)
def test_every_baseline(check):
    check()


def test_baselines_are_chosen_by_modality_and_cost(tmp_path):
    source = tiny.source("static-embeddings", tmp_path)
    assert [baseline.name for baseline in baselines_for("text", source)] == ["constant", "tfidf", "random-weights"]
    assert [baseline.name for baseline in baselines_for("text", source, "simple")] == ["constant", "tfidf"]
    assert [baseline.name for baseline in baselines_for("image", None)] == ["constant", "histograms", "convolutional"]
    assert baselines_for("image", source, "none") == ()
    with pytest.raises(OptionError, match="Did you mean 'simple'"):
        baselines_for("text", source, "simpel")


class TestTfidf:
    def test_outputs_are_those_of_the_features_and_coefficients(self):
        dataset = separable("text", "multiclass", n=150)
        predictor = Tfidf().fit(dataset, np.arange(150), context=RunContext())
        networks = predictor.network.networks
        assert [network.encoder.block.name for network in networks] == ["ngrams", "characters", "text-shape"]
        scores = sum(network.encoder.encode(dataset.items) @ network.coef for network in networks)
        expected = softmax(scores + predictor.head.intercept, axis=1)
        np.testing.assert_allclose(predictor.predict(dataset.items), expected, atol=1e-5)
        assert "logistic regression" in predictor.note or "linear SVM" in predictor.note

    def test_labels_are_learned_one_by_one(self):
        dataset = separable("text", "multilabel")
        predictor = Tfidf().fit(dataset, np.arange(90), context=RunContext())
        scores = predictor.network.scores(dataset.items) + predictor.head.intercept
        np.testing.assert_allclose(predictor.predict(dataset.items), expit(scores), atol=1e-6)

    @pytest.mark.parametrize("items", [["", " ", ""] * 10, ["\ud800 x", "y\n\nz", "kiwi"] * 10])
    def test_odd_texts(self, items):
        dataset = Dataset(
            name="odd", modality="text", task="multiclass", items=items, ids=[str(i) for i in range(30)],
            targets=np.eye(3)[np.arange(30) % 3], labels=("a", "b", "c"),
        )  # fmt: skip
        predictor = Tfidf().fit(dataset, np.arange(30), context=RunContext())
        np.testing.assert_allclose(run_graph(predictor, items[:5]), predictor.predict(items[:5]), atol=1e-5)

    def test_vocabulary_is_capped(self):
        dataset = separable("text", "binary")
        predictor = Tfidf(max_terms=7).fit(dataset, np.arange(90), context=RunContext())
        assert [len(network.input.vocabulary) for network in predictor.network.networks[:2]] == [7, 7]


class TestHistograms:
    def test_it_says_what_it_chose(self):
        predictor = Histograms().fit(separable("image", "multiclass"), np.arange(90), context=RunContext())
        assert "linear model" in predictor.note or "trees" in predictor.note

    def test_samples_when_there_are_too_many(self):
        predictor = Histograms(max_items=40).fit(separable("image", "binary"), np.arange(90), context=RunContext())
        assert predictor.note.endswith("sampled from 90")

    @pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
    @pytest.mark.parametrize("mix", ["a linear model", "randomized trees", "a linear model and randomized trees"])
    def test_every_mix_is_packed_as_it_predicts(self, monkeypatch, mix, task):
        monkeypatch.setattr(histograms, "_MIXES", {mix: histograms._MIXES[mix]})
        data = separable("image", task)
        predictor = Histograms().fit(data, np.arange(60), context=RunContext())
        found = run_graph(predictor, data.items[55:65])
        np.testing.assert_allclose(found, predictor.predict(data.items[55:65]), atol=1e-4, rtol=1e-5)

    def test_without_enough_groups_it_is_a_linear_model(self):
        data = replace(separable("image", "binary"), groups=np.arange(90) % 2)
        predictor = Histograms().fit(data, np.arange(90), context=RunContext())
        assert predictor.network.forest is None


def test_only_controls_show_what_chance_gives():
    kinds = {name: get("baselines", name).is_control for name in names("baselines")}
    assert {name for name, is_control in kinds.items() if is_control} == {"constant", "random-weights"}


class TestConvolutional:
    def test_samples_when_there_are_too_many(self):
        dataset = separable("image", "binary")
        predictor = Convolutional(max_items=40).fit(dataset, np.arange(90), context=RunContext())
        assert predictor.note.endswith("sampled from 90")

    def test_other_seed_gives_other_weights(self):
        dataset = separable("image", "binary")
        one, other = (Convolutional().fit(dataset, np.arange(40), context=RunContext(seed=s)) for s in (0, 1))
        assert (one.predict(dataset.items) != other.predict(dataset.items)).any()

    def test_leaves_torch_as_it_was(self):
        import torch

        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
        dataset = separable("image", "binary")
        Convolutional().fit(dataset, np.arange(40), context=RunContext())
        assert before == (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())
        torch.testing.assert_close(torch.rand(3), expected)

    def test_bundled_size_is_small(self):
        dataset = separable("image", "binary")
        state = Convolutional().fit(dataset, np.arange(40), context=RunContext()).network.state
        assert 150_000 < sum(array.size for array in state.values()) < 500_000
