"""Predicting with a bundle, for every task."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import LABELS, TinyHead, make_bundle, make_photos, make_predictor, make_report, make_schema
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from headstart.core.errors import BundleError, DataError, OptionError
from headstart.packaging import Prediction, load_bundle
from headstart.sources.preprocessors.tokens import TextTokenizer

FORMAT_1 = Path(__file__).parent / "bundles" / "format-1"


@pytest.fixture(scope="session")
def fruit(bundle_files):
    return load_bundle(bundle_files)


def test_labels_and_probabilities(fruit):
    photos = make_photos(37)
    probabilities = fruit.predict_proba(photos)
    assert probabilities.shape == (37, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert fruit.predict(photos) == [LABELS[i] for i in probabilities.argmax(axis=1)]


def test_the_batch_does_not_matter(fruit):
    photos = make_photos(37)
    alone = np.concatenate([fruit.predict_proba([photo]) for photo in photos])
    np.testing.assert_allclose(fruit.predict_proba(photos), alone, atol=1e-6)


def test_predictions_name_the_likeliest(fruit):
    answer, *_ = fruit.predictions(make_photos(3), top=2, names=["a", "b", "c"])
    assert answer.item == "a"
    assert answer.top[0][0] == answer.label
    assert len(answer.top) == 2
    assert answer.probability == answer.top[0][1] >= answer.top[1][1]
    assert json.loads(json.dumps(answer.to_dict()))["top"][0] == {
        "label": answer.label,
        "probability": answer.probability,
    }


def test_prediction_sets(fruit, tmp_path):
    assert all(one.prediction_set == () for one in fruit.predictions(make_photos(9)))
    report = make_report(prediction_set={"coverage": 0.9, "threshold": 0.99, "mean_size": 1.0})
    sure = load_bundle(make_bundle(tmp_path / "sure", report=report))
    answers = sure.predictions(make_photos(9), top=1)
    assert all(one.prediction_set == (one.label,) for one in answers)  # the likeliest is always in
    assert Prediction.from_dict(json.loads(json.dumps(answers[0].to_dict()))) == answers[0]


def test_an_item_that_cannot_be_read_is_reported_and_the_others_answered(fruit, tmp_path):
    Image.new("RGB", (9, 9), "red").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    items = [str(tmp_path / "good.png"), str(tmp_path / "bad.png"), *make_photos(20)]
    answers = fruit.predictions(items)
    assert len(answers) == 22
    assert [bool(answer.error) for answer in answers] == [False, True] + [False] * 20
    assert "bad.png" in answers[1].error
    assert answers[1].to_dict() == {"item": answers[1].item, "error": answers[1].error}
    assert answers[2].item == "item 3"
    with pytest.raises(DataError, match=r"bad\.png"):
        fruit.predict(items)


def test_features_are_what_the_network_computes(fruit):
    photos = make_photos(37)
    features = fruit.features(photos)
    assert (features.shape, features.dtype) == ((37, 3), np.float32)
    np.testing.assert_allclose(features, np.stack(photos).mean(axis=(1, 2)) / 255, atol=1e-5)
    assert load_bundle(FORMAT_1).features(photos).shape == (37, 3)
    with pytest.raises(DataError, match="a list of items was expected"):
        fruit.features("photo.jpg")


def test_a_baseline_has_no_features(tmp_path):
    predictor = make_predictor()
    network = predictor.network
    predictor.network = SimpleNamespace(input=network.input, encode=network.encode)  # not pretrained: it has no digest
    model = load_bundle(make_bundle(tmp_path / "out", predictor=predictor))
    assert len(model.predict(make_photos(2))) == 2
    with pytest.raises(BundleError, match="without the features of a pretrained network. Fit again"):
        model.features(make_photos(2))


def test_nothing_gives_nothing(fruit):
    assert fruit.predict([]) == []
    assert fruit.features([]).shape == (0, 3)
    assert fruit.predict_proba([]).shape == (0, 3)
    assert fruit.predictions([]) == []


@pytest.mark.parametrize("item", ["photo.jpg", b"bytes", Path("photo.jpg")])
def test_one_item_is_not_a_list(fruit, item):
    with pytest.raises(DataError, match="a list of items was expected"):
        fruit.predict(item)


def test_an_array_of_photos_is_a_list(fruit):
    assert len(fruit.predict(np.stack(make_photos(5)))) == 5


def test_several_labels(tmp_path):
    folder = make_bundle(tmp_path / "out", predictor=make_predictor("Sigmoid"), schema=make_schema(task="multilabel"))
    model, photos = load_bundle(folder), make_photos(9)
    wanted = [tuple(np.array(LABELS)[row >= 0.5]) for row in model.predict_proba(photos)]
    assert model.predict(photos) == wanted
    answers = model.predictions(photos)
    assert [answer.labels for answer in answers] == wanted
    assert answers[0].label is None
    assert "labels" in answers[0].to_dict()


def test_a_regression(tmp_path):
    predictor = make_predictor("Identity", 1)
    folder = make_bundle(
        tmp_path / "out", predictor=predictor, schema=make_schema(task="regression", labels=("price",))
    )
    model, photos = load_bundle(folder), make_photos(9)
    np.testing.assert_allclose(model.predict(photos), predictor.predict(photos)[:, 0], atol=1e-5)
    assert model.predictions(photos)[0].value == pytest.approx(predictor.predict(photos)[0, 0], abs=1e-5)
    with pytest.raises(OptionError, match="no probabilities"):
        model.predict_proba(photos)


class LengthNetwork:
    """How many tokens a text has: a network whose input needs a file."""

    name, modality, dimensions, digest = "length", "text", 1, "0" * 64

    def __init__(self):
        tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "good": 1}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        self.input = TextTokenizer(tokenizer.to_str().encode(), max_tokens=16)

    def encode(self, graph):
        graph.input("input_ids", "int64", ["batch", "length"])
        mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=1)
        return graph.op("ReduceSum", mask, graph.constant(np.array([1], dtype=np.int64)), keepdims=1)


class LengthPredictor:
    name = "length"
    network = LengthNetwork()
    head = TinyHead(np.ones((1, 1)), "Identity")

    def predict(self, items):
        return self.network.input.transform(items)["attention_mask"].sum(axis=1, keepdims=True)


def test_the_files_of_an_input_travel(tmp_path):
    schema = make_schema(modality="text", task="regression", labels=("length",))
    texts = ["good good", "one two three", ""]
    folder = make_bundle(tmp_path / "out", predictor=LengthPredictor(), schema=schema, check_items=texts)
    assert (folder / "input" / "tokenizer.json").is_file()
    assert load_bundle(folder).predict(texts[:2]).tolist() == [2, 3]
    (folder / "input" / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match=r"tokenizer\.json has 2 bytes"):
        load_bundle(folder)


def test_the_report_travels(fruit):
    assert fruit.report.evaluation.metric.value == 0.9
    assert fruit.manifest["source"] == "mean-colour"
    assert "fruit" in repr(fruit)


def test_bundles_of_format_1_still_load():
    model = load_bundle(FORMAT_1)
    expected = json.loads((FORMAT_1.parent / "format-1-outputs.json").read_text())
    np.testing.assert_allclose(model.predict_proba(make_photos(5, seed=7)), expected, atol=1e-5)
    assert model.predict(make_photos(5, seed=7)) == [LABELS[i] for i in np.argmax(expected, axis=1)]
    assert model.report.evaluation.verdict == "transfer helps"


def test_predicting_loads_no_training_library(bundle_files):
    program = (
        "import sys; from headstart.packaging import load_bundle; import numpy as np\n"
        f"load_bundle({str(bundle_files)!r}).predict([np.zeros((9, 9, 3), np.uint8)])\n"
        "heavy = {'torch', 'sklearn', 'pandas', 'scipy', 'onnx', 'pyarrow', 'jinja2', 'vl_convert', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
