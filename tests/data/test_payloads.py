"""Bodies are counted before they become objects."""

from __future__ import annotations

import json

import pytest

from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.data.payloads import MAX_VALUES, OversizedError, check_json_size, read_delimited_rows, read_json_rows

TEXT = get_modality("text")


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[' + b"[]," * MAX_VALUES + b"[]]}",
        b"[" + b'{"a":1},' * MAX_VALUES + b"{}]",
        b"[" + b"1," * MAX_VALUES + b"1]",
        b"[" + b'"\\"",' * MAX_VALUES + b"1]",
        b'"\\\\"' + b",1" * (MAX_VALUES + 1),
    ],
)
def test_json_of_too_many_values(body):
    with pytest.raises(OversizedError, match="400,000 values"):
        check_json_size(body)


@pytest.mark.parametrize(
    "text",
    ["a, b, " * MAX_VALUES, '", ' * MAX_VALUES, "\\, " * MAX_VALUES, '[{"\\' * MAX_VALUES, '\\", ' * MAX_VALUES],
)
def test_commas_within_a_text_are_no_values(text):
    check_json_size(json.dumps({"items": [text, "short"]}).encode())


def test_json_that_ends_within_a_text_is_left_to_its_reader():
    check_json_size(b'["' + b"," * (MAX_VALUES + 2))


def test_rows_are_counted_while_they_are_read():
    assert read_json_rows(b'"a"\n\n{"text": "b"}\n', TEXT, None, 2) == ["a", "b"]
    assert read_delimited_rows(b"text\na\nb\n", ",", TEXT, None, 2) == ["a", "b"]
    with pytest.raises(OversizedError, match="more than 2 items"):
        read_json_rows(b'"a"\n"b"\n"c"\n{broken', TEXT, None, 2)
    with pytest.raises(OversizedError, match="more than 2 items"):
        read_delimited_rows(b"text\na\nb\nc\n" + b'"' * 99, ",", TEXT, None, 2)


def test_a_table_of_too_many_cells():
    with pytest.raises(OversizedError, match="400,000 cells"):
        read_delimited_rows(b"text," + b"," * MAX_VALUES, ",", TEXT, None, 2)


def test_oversized_is_an_error_of_the_data():
    assert issubclass(OversizedError, DataError)
