"""A bundle decides by the rule that it was made with, in Python, in its answers and in its exports."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_bundle import LABELS, make_bundle, make_photos, make_predictor, make_report, make_schema

from headstart.core.decision import DecisionRule
from headstart.core.errors import BundleError
from headstart.packaging import load_bundle
from headstart.packaging.exports import ExportOptions, export
from headstart.packaging.exports.comparing import open_exported
from headstart.packaging.labelled import load_for
from headstart.packaging.manifest import seal

PHOTOS = make_photos(60)
RULE = DecisionRule(weights=(1.0, 1.0, 40.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    report = make_report(prediction_set={"coverage": 0.9, "threshold": 0.6, "mean_size": 1.5})
    schema = make_schema(decision=RULE, metric="macro-F1")
    return load_bundle(make_bundle(tmp_path_factory.mktemp("decided") / "fruit", schema=schema, report=report))


def test_the_label_is_that_of_the_largest_product_and_its_probability_is_as_it_was(bundle, bundle_files):
    plain, outputs = load_bundle(bundle_files), bundle.predict_proba(PHOTOS)
    np.testing.assert_allclose(outputs, plain.predict_proba(PHOTOS))
    chosen = (outputs * RULE.weights).argmax(axis=1)
    assert bundle.predict(PHOTOS) == [LABELS[i] for i in chosen]
    assert bundle.predict(PHOTOS) != plain.predict(PHOTOS)
    for answer, row, i in zip(bundle.predictions(PHOTOS), outputs, chosen, strict=True):
        assert answer.label == LABELS[i]
        assert answer.probability == pytest.approx(row[i], abs=1e-6)
        assert answer.top[0][1] == pytest.approx(row.max(), abs=1e-6)
        assert answer.label in answer.prediction_set


def test_exports_decide_alike(bundle, tmp_path):
    export(bundle, "onnx", tmp_path / "fruit.onnx", ExportOptions(items=PHOTOS[:8], tensor_inputs=True))
    session = open_exported(str(tmp_path / "fruit.onnx"), has_extensions=False)
    label, probability, sets = session.run(["label", "probability", "prediction_set"], {"pixels": np.stack(PHOTOS)})
    answers = bundle.predictions(PHOTOS)
    assert label.tolist() == [answer.label for answer in answers]
    np.testing.assert_allclose(probability, [answer.probability for answer in answers], atol=1e-6)
    assert [set(filter(None, row)) for row in sets] == [set(answer.prediction_set) for answer in answers]


def test_labels_with_thresholds_of_their_own(tmp_path):
    schema = make_schema(task="multilabel", decision=DecisionRule(weights=(9.0, 1.0, 0.25)))
    made = load_bundle(
        make_bundle(
            tmp_path / "m",
            predictor=make_predictor("Sigmoid"),
            schema=schema,
            report=make_report(task="multilabel", labels=LABELS),
        )
    )
    outputs = made.predict_proba(PHOTOS)
    expected = [
        tuple(label for label, p, t in zip(LABELS, row, (0.1, 0.5, 0.8), strict=True) if p >= t) for row in outputs
    ]
    assert made.predict(PHOTOS) == expected
    export(made, "onnx", tmp_path / "m.onnx", ExportOptions(tensor_inputs=True))
    session = open_exported(str(tmp_path / "m.onnx"), has_extensions=False)
    (given,) = session.run(["labels"], {"pixels": np.stack(PHOTOS)})
    assert [tuple(filter(None, row)) for row in given.tolist()] == expected


def test_labelled_data_is_judged_by_the_rule_and_the_metric_of_the_bundle(bundle):
    labels = [LABELS[i % 3] for i in range(len(PHOTOS))]
    dataset = load_for(bundle, (np.stack(PHOTOS), labels))
    assert (dataset.decision, dataset.headline(dataset.targets).name) == (RULE, "macro-F1")


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, "3"], 7, [1.0, 2.0, None]])
def test_a_rule_that_is_none_is_refused(bundle_files, tmp_path, weights):
    import shutil

    damaged = shutil.copytree(bundle_files, tmp_path / "fruit")
    content = json.loads((damaged / "manifest.json").read_text())
    content = {k: v for k, v in content.items() if k not in ("files", "schema", "sha256")}
    (damaged / "manifest.json").unlink()
    seal(damaged, {**content, "decision_weights": weights})
    with pytest.raises(BundleError, match="decision_weights must be 3 numbers above 0"):
        load_bundle(damaged)
