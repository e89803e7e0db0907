"""POST /v1/predict: every kind of body, bad items among good ones, and what is refused."""

from __future__ import annotations

import base64
import json

import pandas as pd
import pytest
from running import start_server
from tiny_bundle import make_bundle, make_schema
from tiny_texts import WordsPredictor

from headstart.client import Client
from headstart.core.errors import DataError
from headstart.core.label_rule import LabelRule
from headstart.packaging import load_bundle

TEXTS = ["kiwi kiwi", "a plum", "lime"]
ANSWERS = ["about kiwi", "about plum", "about lime"]


def form(files):
    """A form with files, and its content type."""
    parts = [
        b'--cut\r\ncontent-disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in files
    ]
    return b"".join(parts) + b"--cut--\r\n", "multipart/form-data; boundary=cut"


def labels(reply):
    assert reply.status == 200, reply.body
    return [answer.get("label") for answer in reply.json["predictions"]]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps({"items": TEXTS})),
        ("application/json", json.dumps({"items": [{"message": text, "id": 7} for text in TEXTS]})),
        ("", json.dumps({"items": TEXTS})),
        ("application/jsonl", "\n".join(json.dumps({"text": text}) for text in TEXTS)),
        ("application/x-ndjson", "\n".join(map(json.dumps, TEXTS)) + "\n\n"),
        ("text/csv", "id,message\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(TEXTS))),
        ("text/csv", "id;message\n" + "".join(f"{i};{text}\n" for i, text in enumerate(TEXTS))),
        ("text/tab-separated-values; charset=utf-8", "\ufeffmessage\n" + "\n".join(TEXTS)),
    ],
)
def test_texts_in_every_kind_of_body(server, content_type, body):
    assert labels(server.post("/v1/models/words/predict", body.encode(), content_type=content_type)) == ANSWERS


def test_the_address_alone_says_what_is_there(server):
    found = server.get("/").json
    assert found["server"].startswith("headstart ")
    assert found["models"] == ["fruit", "words"]
    assert found["documentation"] == "/docs"
    assert server.get(found["documentation"]).status == 200
    method, path = found["predict"].split()
    assert (method, path) == ("POST", "/v1/models/fruit/predict")
    assert path.replace("fruit", "{name}") in server.get("/openapi.json").json["paths"]


def test_one_item(server):
    for body in ({"item": "a plum"}, {"text": "a plum"}, {"message": "a plum", "top": 1}):
        reply = server.post("/v1/models/words/predict", body)
        assert labels(reply) == ["about plum"]
    assert len(reply.json["predictions"][0]["top"]) == 1
    assert labels(server.post("/v1/models/words/predict", b"lime", content_type="text/plain")) == ["about lime"]


def test_photos_answer_as_predict_does(server, fruit_bundle, photo_files):
    wanted = [answer.to_dict() for answer in load_bundle(fruit_bundle).predictions(photo_files, top=2)]
    encoded = [base64.b64encode(content).decode() for content in photo_files]
    reply = server.post("/v1/models/fruit/predict", {"items": encoded, "top": 2})
    assert reply.json == {"model": "fruit", "version": "1", "predictions": wanted}
    body, content_type = form((f"{i}.png", content) for i, content in enumerate(photo_files))
    reply = server.post("/v1/models/fruit/versions/1/predict?top=2", body, content_type=content_type)
    assert reply.json["predictions"] == [{**one, "item": f"{i}.png"} for i, one in enumerate(wanted)]
    assert labels(server.post("/v1/models/fruit/predict", photo_files[0], content_type="image/png")) == [
        wanted[0]["label"]
    ]


def test_a_bad_item_has_its_error_and_the_others_their_answers(server, photo_files):
    good = base64.b64encode(photo_files[0]).decode()
    cut = base64.b64encode(photo_files[0][:60]).decode()
    bad = ["no base64!", 7, None, "aGVsbG8=", cut, "/etc/passwd", {"a": 1, "b": 2}]
    predictions = server.post("/v1/models/fruit/predict", {"items": [good, *bad, good]}).json["predictions"]
    assert [("label" in answer) for answer in predictions] == [True, *[False] * 7, True]
    assert all(answer["error"] for answer in predictions[1:-1])
    lines = b'{"message": "lime"}\n{"message": \n{"x": 1, "y": 2}\n'
    predictions = server.post("/v1/models/words/predict", lines, content_type="application/jsonl").json["predictions"]
    assert ["error" in answer for answer in predictions] == [False, True, True]


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", json.dumps({"items": ["lime", "", "plum"]}), "the text is blank"),
        ("application/json", json.dumps({"items": ["lime", None, "plum"]}), "there is none (None)"),
        ("application/json", '{"items": ["lime", NaN, "plum"]}', "there is none (nan)"),
        ("application/json", json.dumps({"items": ["lime", {"message": " \u200b"}, "plum"]}), "the text is blank"),
        ("application/jsonl", '{"text": "lime"}\n{"text": null}\n"plum"\n', "there is none (None)"),
        ("text/csv", "id,message\n1,lime\n2,\n3,plum\n", "the text is blank"),
        ("text/csv", "id,message\n1,lime\n2,a, b\n3,plum\n", "row 2 (line 3) has 3 cells where the header has 2"),
        ("text/tab-separated-values", "id\tmessage\n1\tlime\n2\n3\tplum\n", "row 2 (line 3) has 1 cells"),
    ],
)
def test_what_is_missing_blank_or_cut_wrongly_has_its_error_in_its_place(server, content_type, body, words):
    reply = server.post("/v1/models/words/predict", body.encode(), content_type=content_type)
    assert labels(reply) == ["about lime", None, "about plum"]
    assert words in reply.json["predictions"][1]["error"]


def test_the_client_judges_items_as_the_bundle_does(server, words_bundle):
    bundle = load_bundle(words_bundle)
    frame = pd.DataFrame({"id": [1, 2, 3], "message": ["lime", "a plum", "kiwi"]}, index=[2, 1, 0])
    with Client(f"http://127.0.0.1:{server.port}", model="words") as client:
        for items in (
            frame,
            frame.to_dict("list"),
            frame.message,
            (text for text in frame.message),
            frame[["message"]],
        ):
            assert client.predict(items) == ["about lime", "about plum", "about kiwi"]
        for item in (None, float("nan"), pd.NA, "", " ", {"message": None}):
            (good, bad), expected = client.predictions(["lime", item]), bundle.predictions(["lime", item])
            assert (good.label, bad.label) == ("about lime", None)
            assert bad.error.replace("an item", "a text", 1) == expected[1].error  # a client knows no modality
            with pytest.raises(DataError, match="item 2|' '|''"):
                client.predict(["lime", item])
        for wrong in ({"lime"}, "lime", 7):
            with pytest.raises(DataError, match=r"a set has no order|Write \[item\]"):
                client.predict(wrong)
        with pytest.raises(DataError, match="differ in length"):
            client.predict({"id": [1], "message": ["a", "b"]})


def test_the_client_gives_labels_the_type_that_the_bundle_gives_them(tmp_path):
    schema = make_schema(modality="text", labels=("3", "7", "10"), label_rule=LabelRule(type="int"))
    folder = make_bundle(tmp_path / "numbers", predictor=WordsPredictor(), schema=schema, check_items=TEXTS)
    running = start_server(folder)
    try:
        reply = running.post("/v1/predict", {"items": TEXTS})
        assert (reply.json["label_type"], labels(reply)) == ("int", ["3", "7", "10"])
        with Client(f"http://127.0.0.1:{running.port}") as client:
            assert client.predict(TEXTS) == load_bundle(folder).predict(TEXTS) == [3, 7, 10]
            assert client.predict([]) == []
    finally:
        assert running.stop() == 0


def test_an_image_is_never_a_path(server, tmp_path, photo_files):
    (tmp_path / "photo.png").write_bytes(photo_files[0])
    for item in (str(tmp_path / "photo.png"), f"file://{tmp_path}/photo.png"):
        assert server.post("/v1/models/fruit/predict", {"items": [item]}).status == 400


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "words"),
    [
        ("/v1/predict", {"items": ["a"]}, {}, 400, "fruit, words"),
        ("/v1/models/word/predict", {"items": ["a"]}, {}, 404, "Did you mean 'words'"),
        ("/v1/models/words/versions/2/predict", {"items": ["a"]}, {}, 404, "Known: 1"),
        ("/v1/models/words/predict", {}, {}, 400, "'message' was expected"),
        ("/v1/models/words/predict", {"items": []}, {}, 400, "no items"),
        ("/v1/models/words/predict", {"items": "plum"}, {}, 400, "must be a list"),
        ("/v1/models/words/predict", {"items": ["a"], "top": 0}, {}, 400, "'top'"),
        ("/v1/models/words/predict", {"items": [1]}, {}, 400, "a text was expected"),
        ("/v1/models/words/predict", {"items": [1, 2]}, {}, 400, "no item can be read"),
        ("/v1/models/words/predict", {"items": ["a"] * 41}, {}, 413, "at most 40"),
        ("/v1/models/words/predict", b"x" * (1 << 20 | 1), {}, 413, "1,048,576 bytes"),
        ("/v1/models/words/predict", b"{", {}, 400, "not JSON"),
        ("/v1/models/words/predict", b"[]", {}, 400, "an object was expected"),
        ("/v1/models/words/predict", b"[" * 100_000, {}, 400, "not JSON"),
        ("/v1/models/words/predict", b"\xff", {"content_type": "text/plain"}, 400, "UTF-8"),
        ("/v1/models/words/predict", b"a,b\n1,2\n", {"content_type": "text/csv"}, 400, "'message'"),
        (
            "/v1/models/words/predict",
            b"message,message\na,b\n",
            {"content_type": "text/csv"},
            400,
            "two columns named 'message'",
        ),
        (
            "/v1/models/words/predict",
            {"items": ["", None]},
            {},
            400,
            "no item can be read; the first: the text is blank",
        ),
        ("/v1/models/words/predict", b"x", {"content_type": "application/xml"}, 415, "application/json"),
        ("/v1/models/words/predict", b"plum", {"content_type": "image/png"}, 415, "text/plain"),
        ("/v1/models/fruit/predict", b"plum", {"content_type": "text/plain"}, 415, "image/*"),
        (
            "/v1/models/words/predict",
            b'message\n"plum',
            {"content_type": "text/csv"},
            400,
            "a quote that is never closed",
        ),
        ("/v1/models/words/predict", b'id,message\n1,"plum\n', {"content_type": "text/csv"}, 400, "never closed"),
        ("/v1/models/wor%0Ads%E2%80%AE/predict", {"items": ["a"]}, {}, 404, "'wor\\nds\\u202e'"),
        ("/v1/models/words/predict", b"x", {"content_encoding": "gzip"}, 415, "compressed"),
        ("/v1/models/words/predict", b"--x", {"content_type": "multipart/form-data"}, 400, "form"),
        ("/v1/models/words/predict?top=x", b"lime", {"content_type": "text/plain"}, 400, "'top'"),
    ],
)
def test_what_is_refused(server, path, body, headers, status, words):
    reply = server.post(path, body, **headers)
    assert reply.status == status, reply.body
    assert words in reply.json["error"]


def test_a_quote_within_a_cell_is_a_letter(server):
    body = 'message\n"two\nlines, ""plum"""\nkiwi 5" long\n'
    reply = server.post("/v1/models/words/predict", body.encode(), content_type="text/csv")
    assert labels(reply) == ["about plum", "about kiwi"]


def test_a_photo_too_large_is_refused_by_its_head(server):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (2_000, 1_000)).save(file, "PNG")
    reply = server.post("/v1/models/fruit/predict", file.getvalue(), content_type="image/png")
    assert reply.status == 400
    assert "2.0 megapixels; at most 1 " in reply.json["error"]


def test_other_methods_and_addresses(server):
    assert server.get("/v1/predict").status == 405
    assert server.get("/v1/predict").headers["allow"] == "POST"
    assert "/docs" in server.get("/nothing").json["error"]


def test_request_ids(server):
    assert server.get("/v2", x_request_id="abc-1").headers["x-request-id"] == "abc-1"
    assert len(server.get("/v2", x_request_id="a b\tc").headers["x-request-id"]) == 16
