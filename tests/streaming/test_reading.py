"""Tests of `streaming/reading.py`: a record is read as HTTP would read it."""

from __future__ import annotations

import base64

import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.data.modalities.row import Row
from headstart.streaming.reading import RecordReader, identity
from headstart.streaming.record import Delivery, Record

JSON = {"content-type": "application/json"}


def read(content, *, attributes=None, key=None, modality="text", column="text", error=""):
    reader = RecordReader(
        get_modality(modality) if isinstance(modality, str) else modality, column, key=key, max_pixels=1_000_000
    )
    record = Record(key="position", content=content, attributes=attributes or {})
    return reader.read(Delivery(record=record, raw=b"raw", error=error))


@pytest.mark.parametrize(
    ("content", "attributes"),
    [
        ("late", {}),
        (b"late", {}),
        ({"text": "late"}, {}),
        ({"id": 7, "text": "late"}, {}),
        (b'{"text": "late"}', {}),
        (b'  {"text": "late"}\n', {}),
        (b'"late"', JSON),
        (b'{"text": "late"}', {"Content-Type": "application/json; charset=utf-8"}),
        (b'{"other": "late"}', {}),
    ],
)
def test_a_text_in_each_form(content, attributes):
    assert read(content, attributes=attributes).item == "late"


def test_a_text_that_looks_like_json_and_is_none_is_a_text():
    assert read(b"{late}").item == "{late}"
    assert read(b'{"text": "late"}', attributes={"content-type": "text/plain"}).item == '{"text": "late"}'


@pytest.mark.parametrize(
    ("content", "attributes", "words"),
    [
        (b"{late}", JSON, "not JSON"),
        (b"\xff\xfe", {}, "not UTF-8"),
        (b'{"text": null}', {}, "there is none"),
        (b'{"text": "  "}', {}, "blank"),
        (b'{"text": 7}', {}, "a text was expected"),
        (b'{"a": "x", "b": "y"}', {}, "text"),
        (b"[" * 100_000, JSON, "not JSON"),
        (b"{" + b'"a":1,' * 500_000 + b'"text":"x"}', JSON, "values"),
    ],
)
def test_what_cannot_be_read_says_why(content, attributes, words):
    found = read(content, attributes=attributes)
    assert isinstance(found.item, DataError)
    assert words in str(found.item)
    assert (found.record.key, found.raw) == ("position", b"raw")


def test_rows_may_have_other_fields():
    row = Row((Field("subject", "text"), Field("body", "text")))
    record = {"id": 7, "subject": "Refund", "body": "Money back"}
    assert read(record, modality=row).item == {"subject": "Refund", "body": "Money back"}
    assert "no field 'body'" in str(read({"subject": "Refund"}, modality=row).item)


def test_photos_are_bytes_or_base64(photo):
    assert read(photo, modality="image", column="").item == photo
    assert read({"image": base64.b64encode(photo).decode()}, modality="image", column="").item == photo


@pytest.fixture
def photo():
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (20, 20)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_photo_of_too_many_pixels_is_refused():
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("1", (1200, 1000)).save(buffer, "PNG")
    assert isinstance(read(buffer.getvalue(), modality="image", column="").item, DataError)


class TestKeys:
    def test_of_a_field(self):
        assert read({"id": 7, "text": "late"}, key="id").record.key == "7"

    @pytest.mark.parametrize(
        "content",
        [
            {"text": "late"},
            {"id": None, "text": "late"},
            {"id": [1], "text": "x"},
            "late",
            {"id": " ", "text": "late"},
            {"id": float("nan"), "text": "late"},
            {"id": float("inf"), "text": "late"},
        ],
    )
    def test_a_record_without_it_is_unreadable(self, content):
        found = read(content, key="id")
        assert "no value in a field 'id'" in str(found.item)
        assert found.record.key == "position"

    def test_half_a_character_is_no_key(self):
        assert "no Unicode text: '\\ud800'" in str(read({"id": "\ud800", "text": "late"}, key="id").item)
        event = {"specversion": "1.0", "id": "\udfff", "source": "/desk", "type": "t", "data": {"text": "late"}}
        assert "'id' is no Unicode text" in str(read(event).item)

    def test_of_an_event(self):
        event = {"specversion": "1.0", "id": "9", "source": "/desk", "type": "t", "time": "1970-01-01T00:00:05Z"}
        found = read({**event, "data": {"text": "late"}})
        assert (found.record.key, found.record.time, found.item) == ("/desk#9", 5.0, "late")
        assert read({**event, "data": "late"}).item == "late"
        assert read({**event, "data": {"id": 3, "text": "late"}}, key="id").record.key == "3"
        assert "no data" in str(read(event).item)
        assert "has no 'id'" in str(read({**event, "id": ""}).item)

    def test_of_an_event_with_headers(self):
        headers = {"ce_specversion": "1.0", "ce_id": "9", "ce_source": "/desk", "ce_type": "t"}
        found = read(b"late", attributes=headers)
        assert (found.record.key, found.item) == ("/desk#9", "late")
        assert read(b'"late"', attributes={**headers, **JSON}).item == "late"

    def test_a_structured_event_by_its_content_type(self):
        found = read(b"[]", attributes={"content-type": "application/cloudevents+json"})
        assert "no JSON object" in str(found.item)


def test_what_the_inlet_could_not_read():
    found = read("x", error="line 3 has 2 cells.")
    assert (str(found.item), found.record.key) == ("line 3 has 2 cells.", "position")
    nameless = Delivery(record=None, raw=b"abc", error="no record.")
    reader = RecordReader(get_modality("text"), "", max_pixels=1)
    assert reader.read(nameless).record.key == identity(nameless) == reader.read(nameless).record.key
    assert identity(nameless) != identity(Delivery(record=None, raw=b"abd"))
