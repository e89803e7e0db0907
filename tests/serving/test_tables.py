"""Tables over HTTP: numbers, categories and dates of a row, and what stands for one that is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tritonclient.http as triton
from running import start_server
from tiny_table import TABLE, TABLE_ROWS, make_table_bundle

from headstart.client import Client
from headstart.packaging import load_bundle
from headstart.serving.prediction_log import _content

PATH = "/v2/models/table/infer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_table_bundle(tmp_path_factory.mktemp("served") / "table")


@pytest.fixture(scope="module")
def wanted(folder):
    return load_bundle(folder).predict_proba(TABLE_ROWS)


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    running = start_server(folder, "--prediction-log", tmp_path_factory.mktemp("log"))
    yield running
    assert running.stop() == 0


def as_json(row):
    return {name: None if value == "" or value != value else value for name, value in row.items()}


def tensors(rows):
    made = []
    for field in TABLE:
        is_text = field.modality == "category"
        cells = [as_json(row)[field.name] for row in rows]
        data = [cell or "" for cell in cells] if is_text else cells
        made.append(
            {"name": field.name, "shape": [len(rows)], "datatype": "BYTES" if is_text else "FP64", "data": data}
        )
    return made


def test_rows_of_numbers_are_answered(server, wanted):
    rows = [as_json(row) for row in TABLE_ROWS]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for body, kind in ((json.dumps({"items": rows}), "application/json"), (lines, "application/jsonl")):
        answer = server.post("/v1/predict", body.encode(), content_type=kind)
        assert answer.status == 200, answer.body
        found = [{one["label"]: one["probability"] for one in row["top"]} for row in answer.json["predictions"]]
        np.testing.assert_allclose([row["yes"] for row in found], wanted[:, 1], atol=1e-5)
    with Client(f"http://127.0.0.1:{server.port}") as client:
        assert client.predict(TABLE_ROWS) == [("no", "yes")[best] for best in wanted.argmax(axis=1)]


@pytest.mark.parametrize(
    ("cell", "words"),
    [('"many"', "'many' came"), ("1e400", "a number was expected"), ("1" + "0" * 400, "a number"), ("[1]", "a list")],
)
def test_a_cell_that_is_no_number_is_named(server, cell, words):
    row = json.dumps(as_json(TABLE_ROWS[1])).replace("190.0", cell)
    answer = server.post("/v1/predict", row.encode(), content_type="application/json")
    assert answer.status == 400
    assert "the field 'Größe (cm)'" in answer.json["error"]
    assert words in answer.json["error"]


def test_a_tensor_a_column(server, wanted):
    described = server.get("/v2/models/table").json["inputs"]
    assert [one["datatype"] for one in described] == ["FP64", "BYTES", "FP64", "FP64"]
    for sent in (tensors(TABLE_ROWS), [{**one, "shape": [3, 1]} for one in tensors(TABLE_ROWS)]):
        answer = server.post(PATH, {"inputs": sent})
        assert answer.status == 200, answer.body
        found = np.reshape(answer.json["outputs"][0]["data"], (3, 2))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        made = []
        for field in TABLE:
            is_text = field.modality == "category"
            values = np.array([row[field.name] for row in TABLE_ROWS], object if is_text else float)
            made.append(triton.InferInput(field.name, [3], "BYTES" if is_text else "FP64"))
            made[-1].set_data_from_numpy(values)
        np.testing.assert_allclose(client.infer("table", made).as_numpy("probabilities"), wanted, atol=1e-5)


def test_a_form_has_a_part_a_column(server, wanted):
    rows = [{name: "" if value is None else value for name, value in as_json(row).items()} for row in TABLE_ROWS[:1]]
    lines = [
        f'--end\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for row in rows
        for name, value in row.items()
    ]
    body = ("".join(lines) + "--end--\r\n").encode()
    answer = server.post("/v1/predict", body, content_type="multipart/form-data; boundary=end")
    assert answer.status == 200, answer.body
    best = answer.json["predictions"][0]
    assert best["probability"] == pytest.approx(wanted[0].max(), abs=1e-5)


def test_columns_that_are_prepared_may_lack_values(server, folder, wanted):
    array = load_bundle(folder).input.transform(TABLE_ROWS)["columns"]
    assert np.isnan(array).any()
    data = [None if value != value else value for value in array.ravel().tolist()]
    sent = {"name": "columns", "shape": [*array.shape], "datatype": "FP32", "data": data}
    answer = server.post(PATH, {"inputs": [sent]})
    assert answer.status == 200, answer.body
    np.testing.assert_allclose(np.reshape(answer.json["outputs"][0]["data"], (3, 2)), wanted, atol=1e-5)


def test_tensors_that_are_no_columns_are_refused(server):
    for change, words in (
        ({"shape": [], "data": [1.0]}, "has the shape []"),
        ({"data": [1.0, 2.0, "many"]}, "not FP64"),
        ({"shape": [2], "data": [1.0, 2.0]}, "same number of items"),
    ):
        first, *rest = tensors(TABLE_ROWS)
        answer = server.post(PATH, {"inputs": [{**first, **change}, *rest]})
        assert (answer.status, words in answer.json["error"]) == (400, True), answer.body


def test_the_document_has_an_example_that_is_answered(server):
    post = server.get("/openapi.json").json["paths"]["/v2/models/{name}/infer"]["post"]
    example = post["requestBody"]["content"]["application/json"]["example"]
    assert server.post(PATH, example).status == 200


def test_the_prediction_log_tells_numbers_apart():
    rows = [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "x"}, {"a": float("nan"), "b": "x"}]
    assert len({_content(row) for row in rows}) == 3


def test_the_example_of_the_document_is_of_levels_that_exist(server):
    contents = server.get("/openapi.json").json["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    example = contents["application/json"]["example"]
    assert example["items"][0]["class"] in ("a", "b")
    assert server.post("/v1/predict", json.dumps(example)).status == 200
