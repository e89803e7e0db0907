"""Open Inference Protocol V2: asked by a public client of it, and by hand where that client is too polite."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest
import tritonclient.http as triton
from tiny_bundle import LABELS, make_photos

from headstart.packaging import load_bundle


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("fruit", "1")
    assert not client.is_model_ready("nothing")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    describe_plan = client.get_model_metadata("fruit", "1")
    assert describe_plan["versions"] == ["1"]
    assert describe_plan["inputs"] == [{"name": "items", "datatype": "BYTES", "shape": [-1]}]
    assert [(one["name"], one["datatype"]) for one in describe_plan["outputs"]] == [
        ("probabilities", "FP32"),
        ("labels", "BYTES"),
    ]
    assert describe_plan["parameters"]["labels"] == list(LABELS)
    assert describe_plan["parameters"]["prepared_inputs"] == [
        {"name": "pixels", "datatype": "UINT8", "shape": [-1, 4, 4, 3]}
    ]
    assert {one["name"] for one in client.get_model_repository_index()} == {"fruit", "words"}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_items(client, binary_in, binary_out, words_bundle):
    texts = np.array(["kiwi", "lime lime", "plüm plum"], dtype=object)
    tensor = triton.InferInput("items", [3], "BYTES")
    tensor.set_data_from_numpy(texts, binary_data=binary_in)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("labels", "probabilities")]
    result = client.infer("words", [tensor], outputs=wanted, request_id="r1")
    model = load_bundle(words_bundle)
    labels = [one.decode() if isinstance(one, bytes) else one for one in result.as_numpy("labels")]
    assert labels == model.predict(list(texts))
    np.testing.assert_allclose(result.as_numpy("probabilities"), model.predict_proba(list(texts)), atol=1e-6)
    assert result.get_response()["id"] == "r1"
    assert result.get_response()["model_name"] == "words"


@pytest.mark.parametrize("binary", [True, False])
def test_prepared_arrays(client, binary, fruit_bundle):
    photos = np.stack(make_photos(5))
    tensor = triton.InferInput("pixels", list(photos.shape), "UINT8")
    tensor.set_data_from_numpy(photos, binary_data=binary)
    result = client.infer("fruit", [tensor])
    np.testing.assert_allclose(
        result.as_numpy("probabilities"), load_bundle(fruit_bundle).predict_proba(photos), atol=1e-6
    )


def test_photos_as_bytes_and_in_base64(client, server, photo_files, fruit_bundle):
    wanted = load_bundle(fruit_bundle).predict(photo_files)
    tensor = triton.InferInput("items", [5], "BYTES")
    tensor.set_data_from_numpy(np.array(photo_files, dtype=object))
    assert client.infer("fruit", [tensor]).as_numpy("labels").tolist() == [label.encode() for label in wanted]
    encoded = [base64.b64encode(content).decode() for content in photo_files]
    body = {"inputs": [{"name": "items", "shape": [5], "datatype": "BYTES", "data": encoded}]}
    assert server.post("/v2/models/fruit/versions/1/infer", body).json["outputs"][1]["data"] == wanted


def test_every_output_as_raw_bytes(server):
    body = {
        "parameters": {"binary_data_output": True},
        "inputs": [{"name": "items", "shape": [1], "datatype": "BYTES", "data": ["plum"]}],
    }
    reply = server.post("/v2/models/words/infer", body)
    assert reply.headers["content-type"] == "application/octet-stream"
    head = json.loads(reply.body[: int(reply.headers["inference-header-content-length"])])
    assert head["outputs"][0]["parameters"]["binary_data_size"] == 12
    assert reply.body.endswith(struct.pack("<I", 10) + b"about plum")


ITEMS = {"name": "items", "shape": [1], "datatype": "BYTES", "data": ["plum"]}
IDS = {"name": "input_ids", "shape": [1, 2], "datatype": "INT64", "data": [[1, 2]]}
MASK = {**IDS, "name": "attention_mask", "data": [1, 1]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": None}, "'inputs' must be a list"),
        ({"inputs": [1]}, "'inputs' must be a list"),
        ({"inputs": [{**ITEMS, "name": None}]}, "a name of its own"),
        ({"inputs": [ITEMS, ITEMS]}, "a name of its own"),
        ({"inputs": [ITEMS, IDS]}, "comes alone"),
        ({"inputs": [{**ITEMS, "name": "text"}]}, "are called 'items'"),
        ({"inputs": [{**ITEMS, "shape": "1"}]}, "'shape' must be a list"),
        ({"inputs": [{**ITEMS, "shape": [2]}]}, "1 values came"),
        ({"inputs": [{**ITEMS, "shape": [0], "data": []}]}, "empty"),
        ({"inputs": [{**ITEMS, "datatype": "TEXT"}]}, "no datatype 'TEXT'"),
        ({"inputs": [{**ITEMS, "data": None}]}, "neither 'data'"),
        ({"inputs": [{**ITEMS, "data": [3]}]}, "item 0: a text was expected"),
        ({"inputs": [{**ITEMS, "parameters": 3}]}, "'parameters' must be an object"),
        ({"inputs": [{**ITEMS, "parameters": {"binary_data_size": -1}}]}, "whole number of bytes"),
        ({"inputs": [{**ITEMS, "parameters": {"binary_data_size": 9}}]}, "the body ends before"),
        ({"inputs": [IDS]}, "were expected"),
        ({"inputs": [IDS, {**MASK, "datatype": "INT32"}]}, "int64 [-1, -1] was expected"),
        ({"inputs": [IDS, {**MASK, "shape": [2, 1]}]}, "same number of items"),
        ({"inputs": [{**IDS, "data": [[1, "x"]]}, MASK]}, "not INT64 of shape"),
        ({"inputs": [{**IDS, "data": [[1, 2**70]]}, MASK]}, "not INT64 of shape"),
        ({"inputs": [{**IDS, "data": [[1], 2]}, MASK]}, "mixes lists and values"),
        ({"inputs": [{**IDS, "data": [[1, 99]]}, MASK]}, "input 'input_ids' holds 99; tokens from 0 to"),
        ({"inputs": [{**IDS, "data": [[-1, 1]]}, MASK]}, "input 'input_ids' holds -1; tokens from 0 to"),
        ({"inputs": [{**IDS, "shape": [1, 0], "data": []}, {**MASK, "shape": [1, 0], "data": []}]}, "its items are empty"),
        ({"inputs": [{**IDS, "shape": [1, 17], "data": [1] * 17}, {**MASK, "shape": [1, 17], "data": [1] * 17}]}, "up to 16"),
        ({"inputs": [ITEMS], "outputs": [{"name": "logits"}]}, "Known: probabilities, labels"),
        ({"inputs": [ITEMS], "outputs": 3}, "'outputs' must be a list"),
        ({"inputs": [ITEMS], "parameters": 3}, "'parameters' must be an object"),
        ({"inputs": [ITEMS], "outputs": [{"name": "labels", "parameters": 3}]}, "'parameters' must be an object"),
    ],
)  # fmt: skip
def test_what_is_refused(server, change, words):
    reply = server.post("/v2/models/words/infer", change)
    assert reply.status == 400, reply.body
    assert words in reply.json["error"]


def test_raw_bytes_that_end_within_a_string(server):
    head = json.dumps({"inputs": [{**ITEMS, "data": None, "parameters": {"binary_data_size": 6}}]}).encode()
    reply = server.post(
        "/v2/models/words/infer", head + b"\x09\0\0\0ab", inference_header_content_length=str(len(head))
    )
    assert "end within a string" in reply.json["error"]
    reply = server.post("/v2/models/words/infer", head, inference_header_content_length="999999")
    assert "the length of the JSON" in reply.json["error"]
