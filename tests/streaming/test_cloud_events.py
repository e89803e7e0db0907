"""Tests of `streaming/cloud_events.py`, by the rules of the specification (v1.0.2) and the examples in it."""

from __future__ import annotations

import pytest

from headstart.core.errors import DataError
from headstart.streaming import cloud_events
from headstart.streaming.cloud_events import read_binary, read_structured

EXAMPLE = {  # of the JSON format, section 3.2
    "specversion": "1.0",
    "type": "com.github.pull_request.opened",
    "source": "https://github.com/cloudevents/spec/pull",
    "subject": "123",
    "id": "A234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
    "datacontenttype": "application/json",
    "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True},
}


def test_the_example_of_the_specification_is_read():
    event = read_structured(EXAMPLE)
    assert event.key == "https://github.com/cloudevents/spec/pull#A234-1234-1234"
    assert event.time == 1522949460
    assert event.data == EXAMPLE["data"]
    assert event.attributes["comexampleothervalue"] == "5"
    assert "data" not in event.attributes


@pytest.mark.parametrize("name", ["id", "source", "specversion", "type"])
@pytest.mark.parametrize("value", ["absent", "", None])
def test_required_attributes_are_required(name, value):
    event = {key: one for key, one in EXAMPLE.items() if key != name}
    with pytest.raises(DataError, match=f"has no '{name}'"):
        read_structured(event if value == "absent" else {**event, name: value})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"specversion": "0.3"}, "CloudEvents '0.3'; 1.0 is read"),
        ({"id": 7}, "'id' must be a string, not 7"),
        ({"source": "a b"}, "no URI reference"),
        ({"Extension": "x"}, "lowercase letters and digits"),
        ({"my_extension": "x"}, "lowercase letters and digits"),
        ({"extension": {"a": 1}}, "must be a string"),
        ({"extension": 1.5}, "must be a string"),
        ({"extension": 1 << 31}, "must be a string"),
        ({"time": "yesterday"}, "no RFC 3339 time"),
        ({"time": "2018-04-05"}, "no RFC 3339 time"),
        ({"time": "2018-04-05T17:31:00"}, "no RFC 3339 time"),
        ({"time": "2018-13-05T17:31:00Z"}, "no RFC 3339 time"),
        ({"data_base64": "aGk="}, "both 'data' and 'data_base64'"),
    ],
)
def test_what_breaks_a_rule_is_named(wrong, words):
    with pytest.raises(DataError, match=words):
        read_structured({**EXAMPLE, **wrong})


def test_null_is_absent_and_extensions_may_be_numbers_and_truth_values():
    event = read_structured({**EXAMPLE, "subject": None, "urgent": True, "level": -3})
    assert "subject" not in event.attributes
    assert (event.attributes["urgent"], event.attributes["level"]) == ("true", "-3")


def test_base64_is_bytes():
    event = {key: one for key, one in EXAMPLE.items() if key != "data"}
    assert read_structured({**event, "data_base64": "aGk=", "datacontenttype": "image/png"}).data == b"hi"
    for wrong in ("not base64!", 7):
        with pytest.raises(DataError, match="not base64"):
            read_structured({**event, "data_base64": wrong})


@pytest.mark.parametrize("time", ["2018-04-05T17:31:00Z", "2018-04-05T19:31:00.000+02:00", "2018-04-05t17:31:00z"])
def test_times_of_any_zone_are_one(time):
    assert read_structured({**EXAMPLE, "time": time}).time == 1522949460


@pytest.mark.parametrize("prefix", ["ce-", "ce_", "CE-", "cloudEvents:", "cloudEvents_"])
def test_binary_mode_has_attributes_in_headers(prefix):
    headers = {f"{prefix}{name}": str(EXAMPLE[name]) for name in ("id", "source", "specversion", "type", "time")}
    event = read_binary({**headers, "Content-Type": "text/plain"}, b"late again")
    assert (event.key, event.data, event.content_type) == (
        f"{EXAMPLE['source']}#{EXAMPLE['id']}",
        b"late again",
        "text/plain",
    )


def test_binary_mode_decodes_percent():
    headers = {
        "ce-id": "1",
        "ce-source": "/a",
        "ce-type": "t",
        "ce-specversion": "1.0",
        "ce-subject": "Euro%20%E2%82%AC",
    }
    assert read_binary(headers, b"").attributes["subject"] == "Euro €"


def test_headers_without_a_version_are_no_event():
    assert read_binary({"content-type": "text/plain", "traceparent": "x"}, b"") is None


def test_what_is_written_can_be_read():
    said = {"key": "täg 7", "source": "/m/1", "kind": "t", "time": 1522949460.0}
    event = read_structured(cloud_events.structured(**said, data={"label": "spam"}))
    assert (event.id, event.source, event.time, event.data) == ("täg 7", "/m/1", 1522949460.0, {"label": "spam"})
    headers = cloud_events.binary(**said)
    assert all(text.isascii() and " " not in text for text in headers.values())
    assert read_binary(headers, b"{}").id == "täg 7"
