"""Models that take from a source of the user's own: what they say is what is packed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.core.errors import OptionError
from headstart.data import load
from headstart.data.column_profiles import ColumnProfile
from headstart.data.holdout import plan_splits
from headstart.engines.context import RunContext
from headstart.evaluation.experiment import Experiment
from headstart.evaluation.mixed import mix
from headstart.evaluation.models import hold_out
from headstart.packaging import load_bundle
from headstart.packaging.export import check_equal, export
from headstart.packaging.own_source import SourceRecord, seal_source
from headstart.pipeline.own_source_folders import split_own_sources
from headstart.pipeline.own_sources import match_labels, own_source_models
from headstart.sources.own_source import to_scores
from headstart.testing.small_bundles import make_bundle, make_items

N = 60


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    bundle = make_bundle("table", folder / "model")
    record = SourceRecord(profiles=(ColumnProfile(name="text", modality="text"),), n_rows=240)
    return seal_source(bundle, folder / "source", record)


def _experiment(labels=None, **columns):
    items, known = make_items("table", seed=7)
    data = {"text": items[:N], "label": (labels or known)[:N], **{name: one[:N] for name, one in columns.items()}}
    dataset = load(data, target="label", **({"input": ["text", *columns]} if columns else {}))
    dataset = replace(dataset, groups=np.arange(len(dataset)))
    return Experiment(
        dataset=dataset,
        features=np.zeros((len(dataset), 0)),
        source=None,
        plan=plan_splits(dataset, dataset.groups, seed=0),
        head="auto",
        context=RunContext(),
    )


def test_as_it_is_it_says_what_the_bundle_says(source):
    experiment = _experiment()
    (model,) = own_source_models(experiment, [source], ways=("as it is",))
    outputs = model.fit(experiment, experiment.plan.final).outputs(np.arange(N))
    np.testing.assert_allclose(outputs, load_bundle(source).predict_proba(experiment.dataset.items), atol=1e-5)


@pytest.mark.parametrize("way", ["offset", "as it is", "recalibrated"])
def test_the_packed_graph_is_equal_to_the_model(source, way):
    experiment = _experiment()
    (model,) = own_source_models(experiment, [source], ways=(way,))
    predictor = model.fit(experiment, experiment.plan.final).predictor()
    items = list(experiment.dataset.items[:16])
    assert check_equal(export(predictor, n_outputs=2), predictor, items) < 1e-4
    np.testing.assert_allclose(
        predictor.predict(items), model.fit(experiment, experiment.plan.final).outputs(np.arange(16)), atol=1e-6
    )


def test_a_mean_holds_the_network_once(source):
    experiment = _experiment()
    models = own_source_models(experiment, [source], ways=("offset", "as it is"))
    both = [model.fit(experiment, experiment.plan.final).predictor() for model in models]
    together = mix("both", both, [0.5, 0.5])
    networks = [one.network for one in together.network.scorers]
    assert networks.count(models[0].source.network) == 1
    items = list(experiment.dataset.items[:8])
    assert check_equal(export(together, n_outputs=2), together, items) < 1e-4


def test_a_residual_is_learned_where_labels_are_turned_around(source):
    items, known = make_items("table", seed=7)
    turned = ["kiwi" if label == "apple" else "apple" for label in known]
    experiment = _experiment(labels=turned)
    as_it_is, offset = (
        hold_out(own_source_models(experiment, [source], ways=(way,))[0], experiment) for way in ("as it is", "offset")
    )
    truth = experiment.dataset.targets[experiment.plan.test]
    losses = [experiment.dataset.task_spec.losses(one.outputs, truth).mean() for one in (as_it_is, offset)]
    assert losses[1] < 0.5 * losses[0]  # "no transfer" and a slope near 0 are in the grid
    assert len(items)


def test_labels_match_whatever_their_order_and_case(source):
    renamed = ["Kiwi" if label == "kiwi" else "APPLE" for label in make_items("table", seed=7)[1]]
    experiment = _experiment(labels=renamed)
    (model,) = own_source_models(experiment, [source], ways=("as it is",))
    outputs = model.fit(experiment, experiment.plan.final).outputs(np.arange(N))
    order = [experiment.dataset.labels.index(label) for label in ("APPLE", "Kiwi")]
    expected = load_bundle(source).predict_proba(experiment.dataset.items)
    np.testing.assert_allclose(outputs[:, order], expected, atol=1e-5)


def test_an_unknown_label_is_refused_with_the_remedy(source):
    other = ["pear" if label == "kiwi" else label for label in make_items("table", seed=7)[1]]
    with pytest.raises(OptionError, match=r"'pear'.*knows 'apple', 'kiwi'"):
        own_source_models(_experiment(labels=other), [source])


def test_yes_and_true_are_one_label():
    spoken = replace(load({"text": ["a", "b"] * 6, "label": ["yes", "no"] * 6}))

    class Source:
        name, labels, task_spec = "s", ("0", "1"), spoken.task_spec

    assert match_labels(spoken, Source()) == (0, 1)


def test_a_third_label_is_the_only_unknown_one():
    three = load({"text": [f"{word} {i}" for i in range(12) for word in "abc"], "label": ["0", "1", "2"] * 12})

    class Source:
        name, labels, task_spec = "s", ("0", "1"), three.task_spec

    with pytest.raises(OptionError, match=r"does not know the label '2'; it knows '0', '1'"):
        match_labels(three, Source())


def test_another_task_is_refused(source):
    items, _ = make_items("table", seed=7)
    values = load({"text": items[:N], "y": [float(i) + 0.5 for i in range(N)]}, task="regression", target="y")
    experiment = replace(_experiment(), dataset=values)
    with pytest.raises(OptionError, match="same task"):
        own_source_models(experiment, [source])


def test_of_several_texts_which_one_is_read_is_asked_for(source):
    items, _ = make_items("table", seed=7)
    words = [f"this is a note of {i} words" for i in range(len(items))]
    experiment = _experiment(note=words)
    with pytest.raises(OptionError, match="--match text=input"):
        own_source_models(experiment, [source])
    (model,) = own_source_models(experiment, [source], ways=("as it is",), match="text=input")
    assert model.source.field == "text"
    predictor = model.fit(experiment, experiment.plan.final).predictor()
    rows = [experiment.dataset.items[i] for i in range(4)]
    assert check_equal(export(predictor, n_outputs=2), predictor, rows) < 1e-4


def test_folders_of_sources_are_told_from_names(source):
    assert split_own_sources(str(source)) == ((str(source),), None)
    assert split_own_sources(["potion-base-8m", str(source)]) == ((str(source),), ["potion-base-8m"])
    assert split_own_sources(None) == ((), None)
    with pytest.raises(OptionError, match="headstart pretrain"):
        split_own_sources(str(source.parent / "model"))


def test_a_path_that_is_no_source_is_told_what_it_is(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "source.json").write_text("{}")
    (tmp_path / "rows.csv").write_text("a,b")
    cases = {"empty": "is a folder, but no source", "torn": r"manifest\.json is missing", "rows.csv": "is a file"}
    for name, said in {**cases, "nowhere": "there is no source at"}.items():
        with pytest.raises(OptionError, match=f"{said}.*headstart pretrain"):
            split_own_sources(str(tmp_path / name))
    assert split_own_sources("note=potion-base-8m") == ((), "note=potion-base-8m")


def test_matching_columns_to_no_source_is_refused(source):
    with pytest.raises(OptionError, match="leave --match out"):
        split_own_sources("potion-base-8m", "a=b")
    assert split_own_sources(str(source), "a=b") == ((str(source),), None)


def test_scores_give_the_outputs_again():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5, 3)) * 3
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = to_scores(softmax, "softmax")
    np.testing.assert_allclose(np.exp(found) / np.exp(found).sum(axis=1, keepdims=True), softmax, atol=1e-6)
    sigmoid = 1 / (1 + np.exp(-scores))
    np.testing.assert_allclose(to_scores(sigmoid, "sigmoid"), scores, atol=1e-4)
    assert np.isfinite(to_scores(np.array([[0.0, 1.0]]), "sigmoid")).all()
