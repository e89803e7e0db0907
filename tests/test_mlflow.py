"""A bundle in MLflow: logged, registered, loaded and served in the environment that MLflow has to itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tiny_table import make_table_bundle

import headstart
import missing
from headstart.core.errors import MissingExtraError
from headstart.mlflow import save_model
from servers import free_port, running

ROOT = Path(__file__).parent.parent
PYTHON = Path(os.environ.get("HEADSTART_MLFLOW_PYTHON", ROOT / ".venv-mlflow" / "bin" / "python"))
TEXTS = ["They charged my card twice.", "My mortgage was sold to another bank.", "A debt collector calls me at work."]

LOG = """
import json, sys
import headstart.mlflow, mlflow

for bundle in sys.argv[1:]:
    name = bundle.rpartition("/")[2]
    with mlflow.start_run():
        info = headstart.mlflow.log_model(bundle, name, registered_model_name=name)
    folder = mlflow.artifacts.download_artifacts(f"models:/{name}/1")
    print(json.dumps({"folder": folder, "metadata": info.metadata, "flavours": list(info.flavors)}))
"""
LOAD = """
import base64, json, sys
import headstart.mlflow, mlflow, pandas as pd

texts, photos = json.load(sys.stdin)
given = {"tickets-model": {"text": texts}, "photos-model": {"image": [base64.b64decode(photo) for photo in photos]}}
for name, columns in given.items():
    model = mlflow.pyfunc.load_model(f"models:/{name}/1")
    answers = model.predict(pd.DataFrame(columns), params={"top": 2}).to_dict("records")
    readable = [item for item, answer in zip(*columns.values(), answers) if not answer["error"]]
    labels = headstart.mlflow.load_model(f"models:/{name}/1").predict(readable)
    example = None if model.input_example is None else model.predict(model.input_example).to_dict("records")
    print(json.dumps({"answers": answers, "labels": labels, "example": example}))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An empty folder with a SQLite store; programs of MLflow's environment run in it, and send nothing anywhere."""
    if not PYTHON.exists():
        missing.skip("mlflow")
    return tmp_path_factory.mktemp("mlflow")


def settings(store):
    return {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{store}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",  # MLflow starts its uvicorn by name
    }


def run(store, *words, given=""):
    done = subprocess.run(
        [PYTHON, *words], cwd=store, env=settings(store), input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bundles(small_data, photos_model):
    return {"tickets-model": small_data / "tickets-model", "photos-model": photos_model}


@pytest.fixture(scope="module")
def logged(store, bundles):
    lines = run(store, "-c", LOG, *map(str, bundles.values())).splitlines()
    return dict(zip(bundles, map(json.loads, lines), strict=True))


@pytest.fixture(scope="module")
def photos(small_data):
    return [path.read_bytes() for path in sorted(small_data.glob("photos/*/*"))[::5]]


@pytest.fixture(scope="module")
def loaded(store, logged, photos):
    given = json.dumps([TEXTS, [b64encode(photo).decode() for photo in [*photos, b"not a photo"]]])
    return dict(zip(logged, map(json.loads, run(store, "-c", LOAD, given=given).splitlines()), strict=True))


def test_without_mlflow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "headstart\[mlflow\]"'):
        save_model(tmp_path / "bundle", tmp_path / "model")


@pytest.mark.downloads
def test_the_bundle_is_copied_and_nothing_is_pickled(logged, bundles):
    for name, model in logged.items():
        folder, bundle = Path(model["folder"]), bundles[name]
        copied = {path.relative_to(bundle): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
        assert {path: (folder / "data" / name / path).read_bytes() for path in copied} == copied
        assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]
        assert model["flavours"] == ["headstart", "python_function"]
        assert model["metadata"]["verdict"] == "not proven"
        assert f"headstart=={headstart.__version__}" in (folder / "requirements.txt").read_text().split()


@pytest.mark.downloads
def test_a_loaded_model_answers_as_the_bundle_does(loaded, bundles, photos):
    for name, items in (("tickets-model", TEXTS), ("photos-model", photos)):
        bundle = headstart.load_bundle(bundles[name])
        assert loaded[name]["answers"][: len(items)] == without_item(bundle.predictions(items, top=2))
        assert loaded[name]["labels"] == bundle.predict(items)


@pytest.mark.downloads
def test_an_item_that_cannot_be_read_has_an_error_and_the_others_their_answers(loaded):
    answer = loaded["photos-model"]["answers"][-1]
    assert answer.pop("error") == "the image holds text, not an image; replace or remove it."
    assert answer == {"label": None, "probability": None, "top": None, "prediction_set": None}


@pytest.mark.downloads
def test_the_input_example_is_an_item_that_the_report_shows(loaded, bundles):
    labels = headstart.load_bundle(bundles["tickets-model"]).labels
    assert loaded["tickets-model"]["example"][0]["label"] in labels
    assert loaded["photos-model"]["example"] is None  # no mistake, no copy: the report shows no photo


@pytest.mark.downloads
def test_mlflows_own_command_predicts(store, logged, bundles):
    (store / "texts.json").write_text(json.dumps({"dataframe_records": [{"text": text} for text in TEXTS]}))
    words = "-m mlflow models predict -m models:/tickets-model/1 -i texts.json -o out.json --env-manager local".split()
    run(store, *words)
    expected = without_item(headstart.load_bundle(bundles["tickets-model"]).predictions(TEXTS))
    assert json.loads((store / "out.json").read_text())["predictions"] == expected


@pytest.mark.downloads
def test_mlflows_own_server_serves_photos_and_opens_no_path(store, logged, bundles, photos, small_data):
    url = f"http://127.0.0.1:{(port := free_port())}"
    words = "-m mlflow models serve -m models:/photos-model/1 --env-manager local --port".split()
    command = [PYTHON, *words, str(port)]
    with running(command, ready=f"{url}/ping", log=store / "server.log", folder=store, **settings(store)):
        rows = [{"image": b64encode(photo).decode()} for photo in photos]
        expected = without_item(headstart.load_bundle(bundles["photos-model"]).predictions(photos, top=1))
        assert ask(f"{url}/invocations", {"dataframe_records": rows, "params": {"top": 1}})["predictions"] == expected
        path = str(next(small_data.glob("photos/*/*")))
        # MLflow drops signs that are not base64; what is left is made a whole number of bytes here, so that the model sees it
        kept = re.sub(r"[^A-Za-z0-9+/]", "", path)
        odd = path + "/" * (-len(kept) % 4)
        (answer,) = ask(f"{url}/invocations", {"dataframe_records": [{"image": odd}]})["predictions"]
        assert (answer["label"], bool(answer["error"])) == (None, True)


TABLE = """
import json, sys
import headstart.mlflow, mlflow, pandas as pd

headstart.mlflow.save_model(sys.argv[1], "table")
model = mlflow.pyfunc.load_model("table")
rows = pd.DataFrame({"Größe (cm)": [170, 190], "class": [None, 1], "seen, last": ["2020-01-01", None], "debt": [1, None], "more": [1, 2]})
answers = model.predict(rows).to_dict("records")
try:
    model.predict(rows.rename(columns={"debt": "debts"}))
except Exception as error:
    print(json.dumps({"answers": answers, "error": str(error)}))
"""


def test_a_table_of_whole_numbers_gaps_and_codes(store, tmp_path):
    folder = make_table_bundle(tmp_path / "model")
    found = json.loads(run(store, "-c", TABLE, str(folder)).splitlines()[-1])
    rows = [
        {"Größe (cm)": 170, "class": None, "seen, last": "2020-01-01", "debt": 1},
        {"Größe (cm)": 190, "class": "1", "seen, last": None, "debt": None},
    ]
    expected = [one.to_dict() for one in headstart.load_bundle(folder).predictions(rows)]
    assert [(one["label"], one["error"]) for one in found["answers"]] == [(one["label"], "") for one in expected]
    assert "has no column 'debt'" in found["error"]


@pytest.mark.downloads
def test_a_damaged_copy_is_refused(store, logged):
    model = Path(logged["tickets-model"]["folder"])
    graph = model / "data" / "tickets-model" / "model.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    program = "import mlflow, sys\ntry: mlflow.pyfunc.load_model(sys.argv[1])\nexcept Exception as error: print(error)"
    try:
        assert "has been changed" in run(store, "-c", program, str(model))
    finally:
        graph.write_bytes(whole)


def without_item(answers):
    fields = ("label", "probability", "top", "prediction_set", "error")
    rows = [{**dict.fromkeys(fields), "error": "", **answer.to_dict()} for answer in answers]
    return [{field: row[field] for field in fields} for row in rows]


def ask(url, content):
    request = Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)
