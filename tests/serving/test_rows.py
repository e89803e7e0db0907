"""Rows over HTTP: JSON, tables, forms and tensors with a value a field, and what is said where one is wrong."""

from __future__ import annotations

import base64
import csv
import io
import json

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image

from headstart.client import Client
from headstart.packaging import load_bundle
from headstart.serving.prediction_log import _content


@pytest.fixture(scope="module")
def rows(photo_files):
    return [{"subject": text, "photo": photo} for text, photo in zip(("kiwi", "lime lime"), photo_files, strict=False)]


@pytest.fixture(scope="module")
def wanted(rows_bundle, rows):
    return load_bundle(rows_bundle).predict(rows)


@pytest.fixture(scope="module")
def sent(rows):
    return [{**row, "photo": base64.b64encode(row["photo"]).decode()} for row in rows]


def form(*parts):
    """The body of a form, and its type."""
    lines = []
    for name, content in parts:
        file = b'; filename="a.png"' if isinstance(content, bytes) else b""
        value = content.encode() if isinstance(content, str) else content
        lines.append(
            b'--end\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name.encode(), file, value)
        )
    return b"".join(lines) + b"--end--\r\n", "multipart/form-data; boundary=end"


def table(records):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


@pytest.mark.parametrize("kind", ["items", "alone", "lines", "csv", "form"])
def test_every_body_has_the_same_answers(rows_server, rows, sent, wanted, kind):
    with_ids = [{"id": 7, **one} for one in sent]
    body, media_type = {
        "items": (json.dumps({"items": with_ids}).encode(), "application/json"),
        "alone": (json.dumps(sent[0]).encode(), "application/json"),
        "lines": ("".join(json.dumps(one) + "\n" for one in with_ids).encode(), "application/jsonl"),
        "csv": (table(with_ids), "text/csv"),
        "form": form(*((name, row[name]) for row in rows for name in ("photo", "subject"))),
    }[kind]
    answer = rows_server.post("/v1/predict", body, content_type=media_type)
    assert answer.status == 200, answer.body
    expected = wanted[:1] if kind == "alone" else wanted
    assert [one["label"] for one in answer.json["predictions"]] == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"photo": None}, "the field 'photo': an image was expected, but a NoneType came"),
        ({"photo": "!"}, "the field 'photo': the image is not base64"),
        ({"subject": 7}, "the field 'subject': a text was expected, but a int came"),
    ],
)
def test_a_wrong_field_is_named_and_the_other_rows_are_answered(rows_server, sent, wanted, changes, words):
    answer = rows_server.post("/v1/predict", {"items": [sent[0], {**sent[1], **changes}]})
    first, second = answer.json["predictions"]
    assert first["label"] == wanted[0]
    assert second["item"] == "item 2"
    assert words in second["error"]


def test_rows_that_lack_a_field(rows_server, sent):
    lacking = {"subject": "kiwi"}
    for body, media_type in (
        (json.dumps(lacking).encode(), "application/json"),
        (json.dumps({"items": [lacking]}).encode(), "application/json"),
        (json.dumps(lacking).encode(), "application/jsonl"),
        (table([lacking]), "text/csv"),
    ):
        answer = rows_server.post("/v1/predict", body, content_type=media_type)
        assert (answer.status, "no field 'photo'" in answer.json["error"]) == (400, True), answer.body
    body, media_type = form(("subject", "kiwi"), ("subject", "lime"), ("photo", b"x"))
    answer = rows_server.post("/v1/predict", body, content_type=media_type)
    assert "not as many parts of one field as of another: 'subject' 2, 'photo' 1" in answer.json["error"]
    body, media_type = form(("subject", "kiwi"), ("picture", b"x"))
    assert "there is no field 'picture'" in rows_server.post("/v1/predict", body, content_type=media_type).json["error"]


def test_bodies_of_one_value_and_too_much_are_refused(rows_server, sent, photo_files):
    for media_type in ("text/plain", "image/png", "application/octet-stream"):
        answer = rows_server.post("/v1/predict", photo_files[0], content_type=media_type)
        assert answer.status == 415
        assert "text/plain" not in answer.json["error"].partition("Known:")[2]
    assert rows_server.post("/v1/predict", {"items": sent * 2}).status == 413
    file = io.BytesIO()
    Image.new("L", (1100, 1000)).save(file, "PNG")
    large = {**sent[0], "photo": base64.b64encode(file.getvalue()).decode()}
    assert "megapixels" in rows_server.post("/v1/predict", {"items": [large]}).json["error"]


def test_a_tensor_a_field(rows_server, rows, wanted, sent):
    with triton.InferenceServerClient(f"127.0.0.1:{rows_server.port}") as client:
        described = client.get_model_metadata("rows")
        assert described["inputs"] == [
            {"name": "subject", "datatype": "BYTES", "shape": [-1]},
            {"name": "photo", "datatype": "BYTES", "shape": [-1]},
        ]
        tensors = []
        for name in ("photo", "subject"):
            tensors.append(triton.InferInput(name, [2], "BYTES"))
            tensors[-1].set_data_from_numpy(np.array([row[name] for row in rows], dtype=object))
        labels = client.infer("rows", tensors).as_numpy("labels")
        assert [label.decode() for label in labels] == wanted
        prepared = {one["name"] for one in described["parameters"]["prepared_inputs"]}
        assert prepared == {"0.input_ids", "0.attention_mask", "1.pixels"}
    subject, photo = (
        {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": values}
        for name, values in (("subject", ["kiwi"]), ("photo", [one["photo"] for one in sent]))
    )
    path = "/v2/models/rows/infer"
    assert "were expected, one a field" in rows_server.post(path, {"inputs": [subject]}).json["error"]
    assert "same number of items" in rows_server.post(path, {"inputs": [subject, photo]}).json["error"]
    photo = {**photo, "shape": [1], "data": ["!"]}
    assert "item 0: the field 'photo'" in rows_server.post(path, {"inputs": [subject, photo]}).json["error"]


def test_the_document_shows_a_row_and_its_examples_are_answered(rows_server):
    paths = rows_server.get("/openapi.json").json["paths"]
    contents = paths["/v1/predict"]["post"]["requestBody"]["content"]
    item = contents["application/json"]["schema"]["properties"]["items"]["items"]
    assert item["required"] == ["subject", "photo"]
    assert item["properties"]["photo"] == {"type": "string", "contentEncoding": "base64"}
    assert set(contents["multipart/form-data"]["schema"]["properties"]) == {"subject", "photo"}
    for media_type in ("application/json", "text/csv", "application/jsonl"):
        example = contents[media_type]["example"]
        body = json.dumps(example) if isinstance(example, dict) else example
        answer = rows_server.post("/v1/predict", body.encode(), content_type=media_type)
        assert (answer.status, len(answer.json["predictions"])) == (200, 1), answer.body
    example = paths["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert rows_server.post("/v2/models/rows/infer", example).status == 200


def test_the_client_sends_rows(rows_server, rows, wanted, tmp_path):
    import pandas as pd

    named = []
    for number, row in enumerate(rows):
        (tmp_path / f"{number}.png").write_bytes(row["photo"])
        named.append({**row, "photo": tmp_path / f"{number}.png"})
    with Client(f"http://127.0.0.1:{rows_server.port}") as client:
        assert client.predict(rows) == wanted
        assert client.predict(named) == wanted
        assert client.predict(pd.DataFrame(named).assign(id=[1, 2])) == wanted
        assert client.predict([{**row, "id": 1} for row in rows]) == wanted
        answers = client.predictions([rows[0], {"subject": "a"}])
        assert (answers[0].label, "no field 'photo'" in answers[1].error) == (wanted[0], True)


def test_the_prediction_log_tells_rows_apart():
    contents = [
        _content({"subject": "ab", "photo": b"c"}),
        _content({"subject": "a", "photo": b"bc"}),
        _content({"subject": "ab", "photo": b"d"}),
    ]
    assert len(set(contents)) == 3
    assert _content("ab") == b"ab"
