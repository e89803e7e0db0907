"""Models in context: which tables they are for, and that a fit takes them, packs them and answers alike."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

import headstart
import tiny_tabpfn
from headstart.cli.output import model_words
from headstart.compression.methods.dynamic_int8 import DynamicInt8
from headstart.core.errors import OptionError
from headstart.core.report import NOTHING_TRANSFERRED
from headstart.data import load
from headstart.data.holdout import plan_splits
from headstart.engines.context import RunContext
from headstart.evaluation import Experiment
from headstart.evaluation.in_context import InContextModel, in_context_models, tabular_fields
from headstart.evaluation.models import hold_out
from headstart.ranking import Limits
from headstart.sources import JointSource, open_in_context


def table(n: int = 60, n_classes: int = 3) -> dict[str, list]:
    rng = np.random.default_rng(0)
    codes = np.arange(n) % n_classes
    return {
        "age": [None if i % 11 == 0 else float(v) for i, v in enumerate(np.round(rng.normal(codes * 2), 3))],
        "job": [["cook", "smith", "judge", ""][int(v)] for v in rng.integers(0, 4, n)],
        "size": np.round(rng.normal(-codes), 3).tolist(),
        "kind": [f"kind {c}" for c in codes],
    }


def experiment_of(data, **options) -> Experiment:
    dataset = load(data, target="kind", **options)
    groups = np.arange(len(dataset))
    dataset = replace(dataset, groups=groups)
    return Experiment(
        dataset=dataset,
        features=np.empty((len(dataset), 0)),
        source=JointSource(()),
        plan=plan_splits(dataset, groups, seed=0),
        head="auto",
        context=RunContext.default(seed=0, progress=None),
    )


@pytest.fixture(scope="module")
def experiment():
    return experiment_of(table())


@pytest.fixture
def model(tmp_path):
    return InContextModel(tiny_tabpfn.source(tmp_path))


def test_it_reads_all_tabular_fields_and_its_predictor_gives_the_same(experiment, model):
    assert [one.name for one in tabular_fields(experiment.dataset)] == ["age", "job", "size"]
    train, test = experiment.plan.folds[0]
    fitted = model.fit(experiment, train)
    outputs = fitted.outputs(test)
    assert outputs.shape == (len(test), 3)
    np.testing.assert_allclose(outputs.sum(axis=1), 1)
    items = [experiment.dataset.items[i] for i in test]
    np.testing.assert_allclose(fitted.predictor().predict(items), outputs, atol=1e-9)


def test_held_out_rows_do_not_change_the_fit(experiment, model):
    train, test = experiment.plan.folds[0]
    changed = table()
    for i in test:
        changed["age"][i], changed["job"][i] = 1e6, "a job of its own"
    other = experiment_of(changed)
    assert np.array_equal(model.fit(experiment, train).outputs(train), model.fit(other, train).outputs(train))


def test_it_says_what_it_costs(experiment, model):
    assert 0 < model.expected_s(experiment) < 60
    assert model.latency_ms(60) > 0
    assert model.size_mib(30) < model.size_mib(40) == model.size_mib(1000)  # at most 40 rows at a time


@dataclass(frozen=True)
class Packed:
    graph: bytes


@pytest.mark.parametrize(
    ("data", "limits", "message"),
    [
        (table(66, 11), Limits(), "at most 10 classes.* has 11"),
        ({**table(), "kind": np.linspace(0, 9, 60).tolist()}, Limits(), "one of several classes"),
        (table(), Limits(license="GPL-3.0-only"), "its license, MIT"),
        (table(), Limits(max_size_mib=1), "MiB is more than 1 MiB"),
    ],
    ids=["classes", "values", "license", "size"],
)
def test_a_table_that_does_not_suit_is_refused_by_name_and_left_out_otherwise(data, limits, message):
    experiment = experiment_of(data)
    with pytest.raises(OptionError, match=message):
        in_context_models(experiment, ["tabpfn-v1"], limits=limits)
    assert in_context_models(experiment, limits=limits) == ()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in context") / "model"
    return headstart.fit(table(), target="kind", source="tabpfn-v1", baselines="none", out=folder, progress=None)


@pytest.mark.downloads
class TestTheRealNetwork:
    def test_is_left_out_where_there_is_no_time(self, experiment):
        assert in_context_models(experiment, budget_s=0.01) == ()
        assert [one.name for one in in_context_models(experiment)] == ["tabpfn-v1 in context"]

    def test_a_limit_on_size_or_time_counts_its_context(self, experiment):
        with pytest.raises(OptionError, match="ms per item is more than"):
            in_context_models(experiment, ["tabpfn-v1"], limits=Limits(max_latency_ms=0.01))

    def test_a_fit_packs_it_and_answers_alike(self, fitted):
        rows = [{"age": 4.0, "job": "cook", "size": -2.0}, {"age": None, "job": "pilot", "size": 0.1}]
        answers = headstart.load_bundle(fitted.bundle).predict(rows)
        assert [str(answer) for answer in answers] == [str(answer) for answer in fitted.model.predict(rows)]
        size = sum(path.stat().st_size for path in fitted.bundle.rglob("*") if path.is_file()) / 2**20
        (model,) = in_context_models(experiment_of(table()), ["tabpfn-v1"])
        assert size == pytest.approx(model.size_mib(60), abs=3)  # the encoder and the decoder too

    def test_the_report_says_whose_it_is(self, fitted):
        package = fitted.report.package
        assert (package.source, package.card["license"]) == ("tabpfn-v1", "MIT")
        assert fitted.report.evaluation.verdict != NOTHING_TRANSFERRED
        assert "arXiv:2207.01848" in (fitted.bundle / "README.md").read_text()
        assert model_words(fitted.report) == "tabpfn-v1 in context"

    def test_reading_the_weights_does_not_count_as_the_time_of_a_row(self, tmp_path):
        experiment, model = experiment_of(table(200)), InContextModel(open_in_context("tabpfn-v1"))
        expected_s = model.expected_s(experiment)
        started = time.perf_counter()
        hold_out(model, experiment)
        assert expected_s < 5 * (time.perf_counter() - started)

    def test_what_ships_in_its_place_may_be_the_mean_of_the_plain_models(self, tmp_path):
        found = headstart.fit(
            table(100),
            target="kind",
            source="tabpfn-v1",
            baselines="simple",
            worth=1.0,
            out=tmp_path / "model",
            progress=None,
        )
        rivals = {one.name: one for one in found.report.evaluation.baselines if one.name != "constant"}
        assert any({"boosted-trees", "linear-columns"} <= set(re.findall(r"[a-z-]+", name)) for name in rivals), rivals
        deployed = found.report.evaluation.deployed
        assert rivals[deployed].gain.value == min(one.gain.value for one in rivals.values())
        assert sum(path.stat().st_size for path in found.bundle.rglob("*") if path.is_file()) < 2**21

    def test_beside_trees_its_graph_is_quantized_though_not_every_type_can_be_inferred(self, tmp_path):
        options = {"source": "tabpfn-v1", "baselines": "simple", "worth": -1.0, "progress": None}
        fitted = headstart.fit(table(), target="kind", out=tmp_path / "model", **options)
        assert fitted.report.evaluation.deployed.startswith("mean of tabpfn-v1 in context")
        graph = (fitted.bundle / "model.onnx").read_bytes()
        (variant,) = DynamicInt8().variants(Packed(graph), None)
        assert len(variant.packed.graph) < 0.6 * len(graph)
