"""The whole line on real data: what is proven, what is refused, and that it is always the same."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pytest_socket import SocketConnectBlockedError

import headstart
from headstart.core import registry
from headstart.core.errors import OptionError
from headstart.data import load
from headstart.features import embed
from headstart.heads import adapt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = "wordllama-256"
NUMBERS = ("model.onnx", "head.safetensors", "moments.safetensors")

pytestmark = [pytest.mark.downloads, pytest.mark.usefixtures("fetched_cache")]


def fit(data: Any, **options: Any) -> headstart.pipeline.Fitted:
    """Fit with what is fast enough for a test, unless told otherwise."""
    quick = {"source": SOURCE, "head": "prototypes", "tune": "none", "baselines": "simple", "progress": None}
    return headstart.fit(data, **{**quick, **options})


@pytest.fixture(scope="module")
def tweets(real_data: Callable[[str], Path]) -> pd.DataFrame:
    """Sentences that 20 people rated, mostly clear ones."""
    table = pd.read_csv(real_data("vader") / "vader.csv")
    table = table[table.score.abs() > 2].sample(240, random_state=0)
    return table.assign(tone=np.where(table.score > 0, "good", "bad")).reset_index(drop=True)


@pytest.fixture(scope="module")
def messages(real_data: Callable[[str], Path]) -> pd.DataFrame:
    """Disaster messages with several labels each."""
    table = pd.read_csv(real_data("disaster") / "disaster.csv").dropna(subset=["message"])
    return table.sample(120, random_state=0)[["message", "food", "water", "weather_related"]]


@pytest.fixture(scope="module")
def proven(tweets: pd.DataFrame) -> headstart.pipeline.Fitted:
    return fit(tweets[["text", "tone"]], head="ridge")


def without_timing(bundle: Path) -> dict[str, Any]:
    report = json.loads((bundle / "report.json").read_text())["sections"]
    del report["timing"]
    for baseline in report["evaluation"]["baselines"]:
        del baseline["seconds"]
    return report


@pytest.fixture(scope="module")
def mixed(tweets: pd.DataFrame) -> headstart.pipeline.Fitted:
    return fit(tweets[["text", "tone"]], head="auto")


class TestVerdict:
    def test_what_is_expected_to_be_better_ships_though_it_is_not_proven(self, mixed):
        evaluation = mixed.report.evaluation
        assert {baseline.name for baseline in evaluation.baselines} == {"constant", "tfidf"}
        assert (evaluation.verdict, evaluation.deployed_baseline) == ("no significant gain", None)
        assert evaluation.expected_gain > 0.005
        assert "packed all the same" in evaluation.sentence
        assert mixed.report.package.deployed == mixed.model.manifest["deployed"]

    def test_a_head_that_is_named_stands_alone(self, proven):
        assert proven.report.package.deployed == proven.model.manifest["deployed"] == f"{SOURCE} + ridge"

    def test_predicts_what_a_person_would(self, proven):
        texts = ["I love this, what a wonderful day!", "This is horrible, I hate it."]
        assert proven.predict(texts) == ["good", "bad"]
        np.testing.assert_allclose(proven.predict_proba(texts).sum(axis=1), 1, atol=1e-5)

    def test_labels_that_are_noise_are_not_said_to_be_learnt(self, tweets):
        noise = tweets.assign(tone=np.random.default_rng(0).permutation(tweets.tone))[["text", "tone"]][:80]
        fitted = fit(noise, prefer="small")
        assert fitted.report.package.deployed in [baseline.name for baseline in fitted.report.evaluation.baselines]
        assert fitted.report.evaluation.verdict in ("no significant gain", "transfer hurts")
        assert fitted.model.manifest["deployed"] == fitted.report.package.deployed
        assert set(fitted.predict(noise.text.tolist())) <= {"good", "bad"}

    def test_without_baselines_nothing_is_proven(self, tweets):
        fitted = fit(tweets[["text", "tone"]][:80], baselines="none")
        assert (fitted.report.evaluation.verdict, fitted.report.evaluation.gain) == ("not proven", None)
        assert fitted.report.package.deployed == f"{SOURCE} + prototypes"

    def test_a_short_budget_leaves_baselines_out_and_says_so(self, tweets):
        fitted = fit(tweets[["text", "tone"]][:80], baselines="full", budget_s=0.01)
        left_out = [notice["message"] for notice in fitted.report.notices if notice["kind"] == "budget"]
        assert left_out
        assert all("--budget" in message for message in left_out)
        assert fitted.report.evaluation.verdict != "not proven"


class TestEveryTask:
    def test_regression(self, tweets):
        fitted = fit(tweets[["text", "score"]][:150], head="ridge")
        assert fitted.report.data.task == "regression"
        assert {"MAE", "RMSE", "R²"} <= {score.name for score in fitted.report.evaluation.metrics}
        good, bad = fitted.predict(["I love it, wonderful!", "I hate it, horrible."])
        assert good > bad

    def test_several_labels_an_item(self, messages):
        fitted = fit(messages, target="food,water,weather_related", baselines="none", head="ridge")
        assert fitted.report.data.task == "multilabel"
        assert fitted.report.data.labels == ("food", "water", "weather_related")
        answers = fitted.predict(["there is no food and no water", "a hurricane, storms and floods"])
        assert [set(answer) <= set(fitted.report.data.labels) for answer in answers] == [True, True]

    def test_more_than_two_classes(self, tweets, real_data):
        table = pd.read_csv(real_data("vader") / "vader.csv").groupby("domain").head(20)[["text", "domain"]]
        fitted = fit(table, target="domain", baselines="none")
        assert fitted.report.data.task == "multiclass"
        assert fitted.predict_proba(["hello"]).shape == (1, table.domain.nunique())


class TestMean:
    def test_plain_and_pretrained_parts_are_averaged(self, mixed):
        ablation = mixed.report.ablation
        assert [model.family for model in ablation.models] == ["frozen", "joint", "plain"]
        assert sum(model.weight for model in ablation.models) == pytest.approx(1, abs=2e-3)
        assert mixed.report.package.deployed.startswith("mean of wordllama-256 + ")

    def test_each_part_is_left_out_in_turn(self, mixed):
        left_out = {one.part: one for one in mixed.report.ablation.left_out}
        assert set(left_out) == {SOURCE, "all that is not pretrained"}
        whole = mixed.report.evaluation.metric.value
        for one in left_out.values():
            assert one.gain.low <= one.gain.value <= one.gain.high
            assert one.gain.value == pytest.approx(whole - one.score.value)

    def test_the_bundle_predicts_as_its_parts_do(self, mixed, tweets):
        assert mixed.model.manifest["checked"]["max_difference"] < 1e-4
        np.testing.assert_allclose(mixed.predict_proba(tweets.text[:9].tolist()).sum(axis=1), 1, atol=1e-5)

    def test_its_features_are_those_of_the_pretrained_part(self, mixed, tweets):
        texts = tweets.text[:5].tolist()
        expected = embed(texts, headstart.open_source(SOURCE)).values
        np.testing.assert_allclose(mixed.model.features(texts), expected, atol=1e-5)


class TestHonestSplits:
    def test_time_is_proven_along(self, tweets):
        table = tweets[["text", "tone"]][:120].assign(day=np.arange(120))
        fitted = fit(table, time="day", baselines="none")
        assert "the latest" in fitted.report.evaluation.protocol
        assert fitted.report.evaluation.n_test <= 30

    def test_groups_stay_whole(self, tweets):
        table = tweets[["text", "tone"]][:120].assign(shop=np.arange(120) // 4)
        fitted = fit(table, group="shop", baselines="none")
        assert fitted.report.data.n_groups <= 30

    def test_a_copy_in_a_given_test_part_is_noticed(self, tweets):
        table = tweets[["text", "tone"]][:120].assign(split=["train"] * 90 + ["test"] * 30)
        leaked = pd.concat([table, table[:5].assign(split="test")])
        report = fit(leaked, baselines="none").report
        assert report.evaluation.n_test == 35
        (leak,) = [notice for notice in report.notices if notice["kind"] == "leak"]
        assert leak["message"].startswith("5 of the 35 items of your test part have a near-duplicate")

    def test_copies_are_one_group(self, tweets):
        table = tweets[["text", "tone"]][:80]
        report = fit(pd.concat([table, table[:40]]), baselines="none").report
        assert (report.data.n_items, report.data.n_groups) == (120, 80)
        assert report.evaluation.estimates["naive"].value >= report.evaluation.estimates["new conditions"].value


class TestSameAgain:
    def test_two_runs_with_two_empty_caches_give_the_same_bytes(self, tweets, new_cache, tmp_path, monkeypatch):
        for name in ("one", "two"):
            monkeypatch.setenv("HEADSTART_CACHE", str(new_cache()))
            fit(tweets[["text", "tone"]][:100], head="auto", baselines="full", out=tmp_path / name)
        for file in NUMBERS:
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
        assert without_timing(tmp_path / "one") == without_timing(tmp_path / "two")

    def test_a_second_run_computes_no_features(self, tweets):
        texts = tweets.text.tolist()[:50]
        source = headstart.open_source(SOURCE)
        first = embed(texts, source)
        assert embed(texts, source).n_computed == 0
        np.testing.assert_array_equal(embed(texts, source).values, first.values)

    def test_another_seed_is_another_run(self, tweets, proven):
        other = fit(tweets[["text", "tone"]], seed=1, baselines="none", head="ridge")
        assert other.report.evaluation.metric.value != proven.report.evaluation.metric.value

    def test_none_of_these_tests_could_reach_a_network(self):
        with socket.socket() as probe, pytest.raises((SocketConnectBlockedError, UserWarning)):
            probe.connect(("192.0.2.1", 80))


@pytest.mark.parametrize("head", registry.names("heads"))
def test_the_bundle_of_every_strategy_predicts_as_the_fitted_model(head, tweets, tmp_path):
    table = tweets[["text", "tone"]][:80]
    bundle = fit(table, head=head, baselines="none", out=tmp_path / "model").model
    dataset = load(table)
    features = embed(dataset.items, headstart.open_source(SOURCE)).values
    groups = np.arange(len(dataset))  # no two of these sentences are near-duplicates
    head = adapt(features, dataset.targets, task=dataset.task, groups=groups, head=head).head
    np.testing.assert_allclose(bundle.predict_proba(dataset.items), head.outputs(features), atol=1e-4)


class TestFit:
    def test_without_out_there_is_still_a_bundle(self, proven):
        assert headstart.load_bundle(proven.bundle).predict(["lovely"]) == proven.predict(["lovely"])

    def test_figures_have_what_machines_are_promised(self, proven):
        figures = json.loads(json.dumps(proven.to_dict()))
        assert set(figures["seconds"]) == {"load", "rank", "embed", "adapt", "prove", "package", "total"}
        assert 0 <= figures["naive_estimate"] <= 1
        assert figures["peak_mib"] > 10

    def test_a_source_of_another_modality_is_refused_before_anything_is_written(self, tweets, tmp_path):
        with pytest.raises(OptionError, match="reads images, but 'the frame' holds texts"):
            fit(tweets[["text", "tone"]], source="efficientnet-lite0", out=tmp_path / "model")
        assert list(tmp_path.iterdir()) == []

    def test_new_data_agrees_with_what_was_promised(self, proven, tweets):
        figures = headstart.prove_again(proven.model, tweets[["text", "tone"]][:60])
        assert figures["agrees"]
        assert figures["n_items"] == 60


@pytest.fixture(scope="module")
def photos(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some cats and dogs, which no histogram tells apart."""
    folder = tmp_path_factory.mktemp("photos")
    for kind in ("cat", "dog"):
        (folder / kind).mkdir()
        for path in sorted((real_data("cifar10") / kind).iterdir())[:30]:
            (folder / kind / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def photo_model(photos: Path, fetched_cache: Path) -> headstart.pipeline.Fitted:
    return fit(photos, source="efficientnet-lite0", head="ridge")


def test_photos(photo_model, photos):
    report = photo_model.report
    assert (report.data.task, report.package.source, report.evaluation.verdict) == (
        "binary",
        "efficientnet-lite0",
        "transfer helps",
    )
    assert report.evaluation.gain.low > 0
    assert report.evaluation.metric.value > 0.75
    files = sorted((photos / "cat").iterdir())[:4]
    assert photo_model.predict(files).count("cat") >= 3


LIGHT = """
import importlib.abc, socket, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {"torch", "sklearn", "pandas", "onnx", "scipy", "pyarrow", "jinja2", "threadpoolctl"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def refuse(*arguments, **options):
    raise AssertionError("predicting opened a socket")

sys.meta_path.insert(0, Refuse())
socket.socket.connect = socket.create_connection = refuse
sys.argv = ["headstart", "predict", *sys.argv[1:], "--json"]
from headstart.cli import main
main()
"""


@cache
def predict_light(*arguments: str) -> list[dict[str, Any]]:
    """Predict in a new process, in which what the light install lacks cannot be imported."""
    done = subprocess.run([sys.executable, "-c", LIGHT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestLightInstall:
    def test_texts(self, proven, tweets, tmp_path):
        tweets[["text"]][:20].to_csv(tmp_path / "new.csv", index=False)
        answers = predict_light(str(proven.bundle), str(tmp_path / "new.csv"))
        assert [answer["label"] for answer in answers] == proven.predict(tweets.text[:20].tolist())

    def test_a_mean_of_plain_and_pretrained_parts(self, mixed, tweets, tmp_path):
        tweets[["text"]][:20].to_csv(tmp_path / "new.csv", index=False)
        answers = predict_light(str(mixed.bundle), str(tmp_path / "new.csv"))
        assert [answer["label"] for answer in answers] == mixed.predict(tweets.text[:20].tolist())

    def test_photos(self, photo_model, photos):
        answers = predict_light(str(photo_model.bundle), str(photos / "dog"))
        files = sorted((photos / "dog").iterdir())
        assert [answer["label"] for answer in answers] == photo_model.predict(files)

    def test_a_baseline_that_was_deployed(self, tweets, tmp_path):
        noise = tweets.assign(tone=np.random.default_rng(1).permutation(tweets.tone))[["text", "tone"]][:60]
        fitted = fit(noise, prefer="small", out=tmp_path / "model")
        assert fitted.report.package.deployed != f"{SOURCE} + prototypes"
        (tmp_path / "new.txt").write_text("a new message")
        (answer,) = predict_light(str(tmp_path / "model"), str(tmp_path / "new.txt"))
        assert answer["label"] == fitted.predict(["a new message"])[0]
