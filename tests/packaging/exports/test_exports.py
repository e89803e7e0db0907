"""What is exported answers as the bundle does, says what it is, and is refused where it would not."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from tiny_bundle import make_bundle, make_photos, make_predictor, make_report, make_schema
from tiny_rows import ROWS, TEXT_AND_PHOTO, TWO_TEXTS, make_rows_bundle, photo_rows

from headstart.core.errors import OptionError, StorageError
from headstart.core.registry import names
from headstart.packaging import load_bundle
from headstart.packaging.exports import ExportOptions, export, triton
from headstart.packaging.exports.comparing import open_exported

PATHS = {"onnx": "model.onnx", "ort": "model.ort", "triton": "models", "kserve": "serving", "hub": "folder"}
PHOTOS = [np.random.default_rng(i).integers(0, 256, (20 + 9 * i, 50, 3), dtype=np.uint8) for i in range(4)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundles") / "fruit"))


def test_the_file_holds_answers_and_says_what_it_is(bundle, tmp_path):
    out = tmp_path / "fruit.onnx"
    record = export(bundle, "onnx", out, ExportOptions(items=PHOTOS, tensor_inputs=True))
    session = open_exported(str(out), has_extensions=False)
    label, probability, probabilities = session.run(None, {"pixels": np.stack(make_photos(5))})
    expected = bundle.predict_proba(make_photos(5))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert label.tolist() == bundle.predict(make_photos(5))
    np.testing.assert_array_equal(probability, probabilities.max(axis=1))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == list(bundle.labels)
    assert about["task"] == "multiclass"
    beside = json.loads((tmp_path / "fruit.onnx.json").read_text())
    assert {key: beside[key] for key in ("sha256", "n_items", "opset")} == {
        k: record[k] for k in ("sha256", "n_items", "opset")
    }
    assert beside["opset"] == {"ai.onnx": 18}
    assert beside["libraries"].keys() == {"onnxruntime"}


def test_prediction_sets_are_those_of_the_bundle(tmp_path):
    report = make_report(prediction_set={"coverage": 0.9, "threshold": 0.1, "mean_size": 1.5})
    made = load_bundle(make_bundle(tmp_path / "fruit", report=report))
    export(made, "onnx", tmp_path / "fruit.onnx", ExportOptions(tensor_inputs=True))
    session = open_exported(str(tmp_path / "fruit.onnx"), has_extensions=False)
    photos = make_photos(40)
    probabilities, sets = session.run(["probabilities", "prediction_set"], {"pixels": np.stack(photos)})
    expected = [set(one.prediction_set) for one in made.predictions(photos)]
    assert [set(filter(None, row)) for row in sets] == expected
    assert expected == [{label for label, p in zip(made.labels, row, strict=True) if p >= 0.1} for row in probabilities]
    assert {len(one) for one in expected} == {1, 2}
    assert session.get_modelmeta().custom_metadata_map["threshold"] == "0.1"


def test_several_labels_and_values(tmp_path):
    for task, after in (("multilabel", "Sigmoid"), ("regression", "Identity")):
        labels = ("apple", "kiwi", "lime") if task == "multilabel" else ("price",)
        made = load_bundle(
            make_bundle(
                tmp_path / task,
                predictor=make_predictor(after, len(labels)),
                schema=make_schema(task=task, labels=labels),
                report=make_report(task=task, labels=labels),
            )
        )
        export(made, "onnx", tmp_path / f"{task}.onnx", ExportOptions(tensor_inputs=True))
        session = open_exported(str(tmp_path / f"{task}.onnx"), has_extensions=False)
        photos = make_photos(6)
        answers = dict(
            zip([o.name for o in session.get_outputs()], session.run(None, {"pixels": np.stack(photos)}), strict=True)
        )
        if task == "multilabel":
            assert [tuple(filter(None, row)) for row in answers["labels"].tolist()] == made.predict(photos)
        else:
            np.testing.assert_allclose(answers["value"], made.predict(photos), rtol=1e-5)


def test_files_that_the_graph_cannot_read_are_named(bundle, tmp_path):
    from PIL import Image

    Image.fromarray(PHOTOS[0]).save(tmp_path / "a.gif")
    with pytest.raises(OptionError, match="cannot read an image .* Files must be JPEG or PNG"):
        export(bundle, "onnx", tmp_path / "fruit.onnx", ExportOptions(items=[tmp_path / "a.gif"]))
    assert not (tmp_path / "fruit.onnx").exists()


def test_the_command_writes_what_was_asked_for(tmp_path):
    folder = make_bundle(tmp_path / "fruit")
    command = [sys.executable, "-c", "from headstart.cli import main; main()", "export", str(folder)]
    done = subprocess.run(
        [*command, "--onnx", str(tmp_path / "a.onnx"), "--tensor-inputs", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["format"] == "onnx"
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == 18
    nothing = subprocess.run(command, capture_output=True, text=True, check=False)
    assert nothing.returncode == 2
    assert "no format was named" in nothing.stderr


def test_the_format_for_phones_names_its_operators(bundle, tmp_path):
    record = export(bundle, "ort", tmp_path / "fruit.ort", ExportOptions(tensor_inputs=True))
    listed = (tmp_path / "fruit.ort.required_operators.config").read_text().splitlines()
    assert listed == record["required_operators"]
    assert any(line.startswith("ai.onnx;13;") and "MatMul" in line for line in listed)
    assert (tmp_path / "fruit.ort").read_bytes()[4:8] == b"ORTM"


def test_triton_reads_the_configuration(bundle, tmp_path):
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    export(bundle, "triton", tmp_path)
    read = text_format.Parse((tmp_path / "fruit" / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    assert read.name == "fruit"
    assert read.backend == "onnxruntime"
    assert [(value.name, list(value.dims)) for value in read.input] == [("pixels", [-1, -1, 3])]
    assert [(value.name, list(value.dims)) for value in read.output][2] == ("probabilities", [3])
    assert (tmp_path / "fruit" / "labels.txt").read_text().split() == list(bundle.labels)
    assert (tmp_path / "fruit" / "1" / "model.onnx").is_file()
    export(bundle, "triton", tmp_path)  # a second time, over its own


def test_the_service_of_kserve_has_the_documented_fields(bundle, tmp_path):
    import yaml

    service = yaml.safe_load(Path(export(bundle, "kserve", tmp_path)["path"]).read_text())
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    model = service["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "onnx"}
    assert model["protocolVersion"] == "v2"
    assert model["storageUri"].startswith("pvc://fruit/")
    assert (tmp_path / "models" / "fruit" / "config.pbtxt").is_file()


def test_the_hub_folder_can_be_read_by_its_own_lines(bundle, tmp_path):
    import yaml

    out = tmp_path / "fruit"
    export(bundle, "hub", out)
    card = (out / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "apache-2.0"
    assert front["pipeline_tag"] == "image-classification"
    assert json.loads((out / "config.json").read_text())["id2label"] == {
        str(i): label for i, label in enumerate(bundle.labels)
    }
    from PIL import Image

    Image.fromarray(PHOTOS[0]).save(out / "photo.jpg")
    lines = (
        card.rpartition("```python\n")[2].partition("```")[0].replace("session.run(", "print(session.run(").rstrip()
        + ")\n"
    )
    done = subprocess.run([sys.executable, "-c", lines], cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bundle.predict([out / "photo.jpg"])[0] in done.stdout


def test_folders_of_others_are_left_alone(bundle, tmp_path):
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit" / "mine.txt").write_text("mine")
    for name, out in (("triton", tmp_path), ("hub", tmp_path / "fruit")):
        with pytest.raises(StorageError, match="Choose another folder"):
            export(bundle, name, out)
    assert (tmp_path / "fruit" / "mine.txt").read_text() == "mine"


def test_names_that_kubernetes_takes():
    assert triton.model_name(SimpleNamespace(name="Größe (2)")) == "gr-e-2"
    assert triton.model_name(SimpleNamespace(name="写真")) == "model"


def test_a_format_that_is_not_known():
    with pytest.raises(OptionError, match="no export named 'onx'. Did you mean 'onnx'"):
        export(None, "onx", Path("x"))


@pytest.mark.downloads
@pytest.mark.parametrize("tensor_inputs", [False, True])
def test_a_text_model_answers_as_its_bundle(tensor_inputs, fetched_cache, real_data, tmp_path):
    import headstart
    from headstart.data import read_items

    table = real_data("questions") / "questions.csv"
    import pandas as pd

    rows = pd.read_csv(table).head(120)
    headstart.fit(
        rows, target="label", out=tmp_path / "model", source="potion-base-8m", baselines="none", progress=None
    )
    made = load_bundle(tmp_path / "model")
    items = list(read_items(table, modality="text", input="text").items[:200])
    record = export(made, "onnx", tmp_path / "model.onnx", ExportOptions(items=items, tensor_inputs=tensor_inputs))
    assert record["n_items"] == 200
    assert record["max_difference"] <= 1e-4


@pytest.mark.parametrize("fields", [TWO_TEXTS, TEXT_AND_PHOTO], ids=["two texts", "text and photo"])
@pytest.mark.parametrize("name", [name for name in names("exports") if name in PATHS])
def test_rows_are_exported_with_an_input_a_field(name, fields, tmp_path):
    made = load_bundle(make_rows_bundle(tmp_path / "bundle", fields))
    items = ROWS if fields == TWO_TEXTS else photo_rows()
    are_tensors = name in ("triton", "kserve")
    for tensor_inputs in (True, False):
        options = ExportOptions(items=items, tensor_inputs=tensor_inputs)
        record = export(made, name, tmp_path / PATHS[name], options)
        assert (record["n_items"], record["max_difference"] <= 1e-4) == (3, True)
        second = {"1.pixels"} if fields == TEXT_AND_PHOTO else {"1.input_ids", "1.attention_mask"}
        prepared = {"0.input_ids", "0.attention_mask"} | second
        found = {one["name"] for one in record["inputs"]}
        assert found == (prepared if tensor_inputs or are_tensors else {field.name for field in fields})


def test_rows_of_a_graph_are_compared_without_items_and_the_card_feeds_them(tmp_path):
    made = load_bundle(make_rows_bundle(tmp_path / "bundle", TEXT_AND_PHOTO))
    record = export(made, "hub", tmp_path / "folder")
    assert record["n_items"] >= 1
    card = (tmp_path / "folder" / "README.md").read_text()
    assert '{"subject": np.array(["a text"], dtype=object), "photo": np.fromfile("photo.jpg", np.uint8)}' in card
