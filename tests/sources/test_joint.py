"""Several sources as one: features side by side, one graph, a blend only where it pays."""

import numpy as np
import onnxruntime
import pytest

import tiny
from headstart.core.dataset import Dataset, Field
from headstart.data.holdout import SplitPlan
from headstart.engines.context import RunContext
from headstart.evaluation import Experiment
from headstart.evaluation.mixture import mixture_of
from headstart.evaluation.models import hold_out
from headstart.features import embed
from headstart.heads import adapt
from headstart.heads.transferred import Transferred
from headstart.packaging.export import check_equal, export
from headstart.pipeline.choosing import frozen_models
from headstart.sources import JointSource
from headstart.sources.preprocessors import build
from headstart.sources.preprocessors.columns import ColumnReader, learn_columns
from headstart.sources.preprocessors.joint import JointPreprocessor

TEXTS = ["a head start", "the race", "good kiwi", "bad apple shelf", "", "advantage given before the race"]


@pytest.fixture
def joint(tmp_path, cache):
    kinds = ("bert", "static-embeddings")
    return JointSource(tuple(tiny.source(kind, tmp_path / kind) for kind in kinds))


def test_features_stand_side_by_side(joint):
    values = embed(TEXTS, joint).values
    assert values.shape == (len(TEXTS), joint.dimensions)
    for source in joint.sources:
        np.testing.assert_array_equal(values[:, joint.parts[source.name]], embed(TEXTS, source).values)


def test_input_travels(joint):
    again = build(joint.input.kind, joint.input.settings(), joint.input.files())
    for name, array in joint.input.transform(TEXTS).items():
        np.testing.assert_array_equal(array, again.transform(TEXTS)[name])


def test_an_item_that_none_can_read_is_reported_once(tmp_path, cache):
    kinds = [tiny.source("efficientnet-lite", tmp_path / name) for name in "ab"]
    reported = []
    embed(["missing.jpg"], JointSource(tuple(kinds)), on_bad=lambda position, _error: reported.append(position))
    assert reported == [0]


def fitted(joint, values, targets):
    n = len(values)
    return adapt(values, targets, task="binary", groups=np.arange(n), head="ridge", parts=joint.parts)


def test_one_graph_holds_both_networks_and_equals_the_fitted_model(joint):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(tiny.WORDS[4:], 5)) for _ in range(40)]
    codes = np.array(["kiwi" in text or "race" in text for text in texts], int)
    adapted = fitted(joint, embed(texts, joint).values, np.eye(2)[codes])
    predictor = Transferred(name="both", network=joint, head=adapted.head)
    packed = export(predictor, n_outputs=2)
    names = {given.name for given in onnxruntime.InferenceSession(packed).get_inputs()}
    assert names == set(joint.input.transform(TEXTS))
    assert check_equal(packed, predictor, TEXTS) < 1e-4


def experiment(joint, values, targets):
    n = len(values)
    dataset = Dataset(
        name="blobs", modality="text", task="binary", items=[""] * n, ids=[str(i) for i in range(n)],
        targets=targets, labels=("a", "b"), groups=np.arange(n),
    )  # fmt: skip
    train, held_out = np.arange(n // 2), np.arange(n // 2, n)
    plan = SplitPlan(kind="holdout", folds=((train, held_out),), final=np.arange(n), sentence="")
    return Experiment(
        dataset=dataset, features=values, source=joint, plan=plan, head="ridge", context=RunContext()
    )  # fmt: skip


def noisy(joint, informative):
    """Two classes; each source named in `informative` sees them through noise of its own."""
    rng = np.random.default_rng(0)
    targets = np.eye(2)[np.arange(400) % 2]
    values = rng.normal(size=(400, joint.dimensions))
    for name in informative:
        values[:, joint.parts[name].start] += 1.5 * targets[:, 0]
    return experiment(joint, values, targets)


def test_each_source_is_a_model_of_its_own_the_best_first(joint):
    first, second = (source.name for source in joint.sources)
    settled, models = frozen_models(noisy(joint, {second}))
    assert set(settled.source.parts) == {first, second}
    assert [model.experiment.source.name for model in models] == [second, first]
    assert [model.experiment.features.shape[1] for model in models] == [
        source.dimensions for source in joint.sources[::-1]
    ]


def test_two_that_know_different_things_are_better_together(joint):
    given = noisy(joint, {source.name for source in joint.sources})
    given, models = frozen_models(given)
    found = mixture_of(given, [hold_out(model, given) for model in models], (), ())
    targets, task = given.dataset.targets[given.plan.test], given.dataset.task_spec
    alone = [float(task.losses(one.outputs, targets).mean()) for one in found.held_out]
    assert float(task.losses(found.outputs, targets).mean()) < min(alone)
    assert len(found.kept) == 2


def test_readers_of_the_same_columns_read_the_rows_once_however_deep_they_stand(monkeypatch):
    rows = [{"age": 3.0, "debt": -1.0}, {"age": float("nan"), "debt": 2.0}]
    fields = (Field("age", "number"), Field("debt", "number"))
    inner = JointPreprocessor(inputs=(learn_columns(rows, fields),))
    other = learn_columns(rows, fields[:1])
    calls = []
    read = ColumnReader.read
    monkeypatch.setattr(ColumnReader, "read", lambda self, items: calls.append(self) or read(self, items))
    found = JointPreprocessor(inputs=(learn_columns(rows, fields), inner, other)).transform(rows)
    assert len(calls) == 2
    np.testing.assert_array_equal(found["0.columns"], [[3.0, -1.0], [np.nan, 2.0]])
    np.testing.assert_array_equal(found["1.0.columns"], found["0.columns"])
    np.testing.assert_array_equal(found["2.columns"], found["0.columns"][:, :1])
