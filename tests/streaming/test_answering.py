"""Tests of `streaming/answering.py`: the answers are those of HTTP."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.packaging import load_bundle
from headstart.packaging.opening import seal_of
from headstart.streaming.answering import Answerer
from headstart.streaming.answers import AnsweringModel
from headstart.streaming.record import Delivery, Record
from headstart.streaming.settings import StreamSettings
from headstart.testing.small_bundles import make_items

sys.path.append(str(Path(__file__).parent.parent / "serving"))
from running import start_server

TEXTS = list(make_items("products")[0][:40])


def deliveries(contents, **attributes):
    records = [Record(key=f"k{i}", content=one, time=float(i), attributes=attributes) for i, one in enumerate(contents)]
    return [Delivery(record=record, raw=str(record.content).encode()) for record in records]


def model_of(bundle, name):
    return AnsweringModel(name=name, version="1", seal=seal_of(bundle), bundle=bundle)


@pytest.fixture(scope="module")
def answerer(texts_bundle):
    def make(**settings):
        return Answerer(model_of(load_bundle(texts_bundle), "texts"), settings=StreamSettings(**settings))

    return make


def test_the_same_pass_gives_the_features_where_they_are_read(texts_bundle):
    bundle = load_bundle(texts_bundle)
    said = {"settings": StreamSettings()}
    model = model_of(bundle, "texts")
    given = deliveries([{"text": TEXTS[0]}, {"text": 7}, {"text": TEXTS[1]}])
    answers, plain = Answerer(model, **said, features=True)(given), Answerer(model, **said)(given)
    assert plain.features is None
    np.testing.assert_array_equal(answers.rows, plain.rows)
    np.testing.assert_allclose(answers.features[[0, 2]], bundle.features(TEXTS[:2]), atol=1e-6)
    assert np.isnan(answers.features[1]).all()
    nothing = Answerer(model, **said, features=True)(deliveries([{"text": 7}]))
    assert nothing.features.shape[0] == 1
    assert nothing.is_dead == [True]


def test_answers_are_those_of_http(texts_bundle, answerer):
    records = [{"text": text} for text in TEXTS] + [{"text": 7}, {"a": 1, "b": 2}, {"text": " "}]
    server = start_server(texts_bundle)
    try:
        body = b"\n".join(json.dumps(one).encode() for one in records)
        over_http = server.post("/v1/predict", body, content_type="application/jsonl").json["predictions"]
    finally:
        assert server.stop() == 0
    for contents in (records, [json.dumps(one).encode() for one in records]):
        answers = answerer()(deliveries(contents))
        for output, expected, is_dead in zip(answers.outputs, over_http, answers.is_dead, strict=True):
            value = dict(output.value)
            assert is_dead == ("error" in expected)
            if is_dead:
                assert value["error"] == expected["error"]
                continue
            assert {value.pop(name) for name in ("key", "item")} == {output.key}
            assert (value.pop("model"), value.pop("version")) == ("texts", "1")
            assert value.pop("time") == output.time
            assert value["label"] == expected["label"]
            assert value["probability"] == pytest.approx(expected["probability"], abs=1e-6)
            assert set(value) == set(expected) - {"item"}


def test_one_that_cannot_be_read_leaves_the_others_alone(answerer):
    contents = [TEXTS[0], {"text": None}, TEXTS[1], b"\xff\xfe\x00", TEXTS[2]]
    answers = answerer()(deliveries(contents))
    assert answers.is_dead == [False, True, False, True, False]
    assert np.isnan(answers.rows).all(axis=1).tolist() == answers.is_dead
    assert [one.value.get("label") is None for one in answers.outputs] == answers.is_dead
    assert answers.items[0] == TEXTS[0]
    assert "there is none" in str(answers.items[1])


def test_a_dead_letter_has_reason_content_key_and_attempt(answerer):
    raw = b'{"text": null}'
    record = Record(key="k", content=raw, attributes={"attempt": "3"})
    value = answerer()([Delivery(record=record, raw=raw)]).outputs[0].value
    assert value == {
        "key": "k",
        "error": "a text was expected, but there is none (None). Give one, or leave the item out.",
        "raw": raw.decode(),
        "attempt": 3,
        "model": "texts",
        "version": "1",
    }
    value = answerer()([Delivery(record=Record(key="k", content=b"\xff\xfe"), raw=b"\xff\xfe")]).outputs[0].value
    assert base64.b64decode(value["raw_base64"]) == b"\xff\xfe"
    assert value["attempt"] == 1


def test_photos_one_of_them_damaged(photos_bundle):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(make_items("convolutions")[0][0]).save(buffer, "PNG")
    photo = buffer.getvalue()
    bundle = load_bundle(photos_bundle)
    answers = Answerer(model_of(bundle, "p"), settings=StreamSettings())(deliveries([photo, photo[:60], photo]))
    assert answers.is_dead == [False, True, False]
    assert answers.outputs[0].value["label"] == bundle.predict([photo])[0]


def test_nothing_readable(answerer):
    assert answerer()(deliveries([{"text": None}])).rows.shape == (1, 2)


def test_top(answerer):
    assert len(answerer(top=1)(deliveries(TEXTS[:1])).outputs[0].value["top"]) == 1


def test_attributes_are_handed_on_without_what_was_of_the_content(answerer):
    headers = {"traceparent": "x", "content-type": "text/plain", "ce_time": "y", "attempt": "2"}
    assert answerer()(deliveries(TEXTS[:1], **headers)).outputs[0].attributes == {"traceparent": "x"}


def test_answers_as_events(answerer):
    from headstart.streaming.cloud_events import read_binary, read_structured

    output = answerer(cloudevents="structured")(deliveries(TEXTS[:1])).outputs[0]
    event = read_structured(output.value)
    assert (event.id, event.source, event.type) == ("k0", "/headstart/texts/1", "headstart.prediction.v1")
    assert event.data["label"] in ("apple", "kiwi")
    assert output.attributes["content-type"] == "application/cloudevents+json"
    output = answerer(cloudevents="binary")(deliveries([{"text": None}])).outputs[0]
    event = read_binary(output.attributes, output.value)
    assert (event.id, event.type, event.content_type) == ("k0", "headstart.dead-letter.v1", "application/json")
    assert "error" in output.value
