"""Bodies are counted before they become objects, and tables cut as the command line cuts them, or refused by row."""

from __future__ import annotations

import json

import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data import get_modality
from headstart.data.modalities import Row
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


@pytest.mark.parametrize(
    "body",
    [
        'id,text\n1,"Hello, there"\n2,Again\n',
        "id;text\n1;Hello, there\n2;Again\n",
        "id\ttext\r\n1\tHello, there\r\n2\tAgain\r\n",
        "\ufeffid|Text|\n\n1|Hello, there|\n2|Again|\n",
        'id,text\n1,"Hello, there"\n,\n2,Again\n\n',
    ],
)
def test_separators_are_found(body: str) -> None:
    column = "Text" if "Text" in body else "text"
    found = read_delimited_rows(body.encode(), None, TEXT, column, 99)
    assert [one for one in found if one] == ["Hello, there", "Again"]


def test_a_row_that_does_not_fit_is_its_error_in_its_place() -> None:
    found = read_delimited_rows(b"id,text\n1,a\n2,b, c\n\n3\n4,d\n", None, TEXT, "text", 99)
    assert [found[0], found[3]] == ["a", "d"]
    assert (
        str(found[1]) == "row 2 (line 3) has 3 cells where the header has 2. Put a cell that has a ',' in it in quotes."
    )
    assert "row 3 (line 5) has 1 cells where the header has 2" in str(found[2])


def test_rows_of_fields() -> None:
    rows = Row((Field("subject", "text"), Field("body", "text")))
    found = read_delimited_rows(b"id;body;subject\n1;late, late;parcel\n", None, rows, None, 99)
    assert found == [{"subject": "parcel", "body": "late, late"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"where is my parcel\nlate again\n", "no header"),
        (b"text,text\na,b\n", r"two columns named 'text' \(columns 1, 2\)"),
        (b"a,b\n1,2\n", "the table has no 'text', which the model learnt from"),
        (b'text\n"open\nnever closed\n', "opens a quote that is never closed"),
        (b"text\n\xff\n", "is not UTF-8"),
        (b"", "holds no rows; a header line and rows below it were expected"),
        (
            b"where is my parcel now,billing\nI wait for it,billing\nno word from you,billing\n",
            "no header",
        ),
    ],
)
def test_what_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_delimited_rows(body, None, TEXT, "text", 99)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_cells_are_counted_by_the_separator_that_is_found(separator: str) -> None:
    body = f"id{separator}text\n".encode() + f"1{separator}late again\n".encode() * 3
    with pytest.raises(OversizedError, match="400,000 cells"):
        read_delimited_rows(body + separator.encode() * MAX_VALUES, None, TEXT, None, 9)
    with pytest.raises(OversizedError, match="more than 2 items"):
        read_delimited_rows(body, None, TEXT, None, 2)


def test_other_separators_within_texts_are_no_cells() -> None:
    text = "; and | " * (MAX_VALUES // 2)
    body = f"id,text\n1,{text}\n2,{text}\n3,late\n".encode()
    assert len(read_delimited_rows(body, None, TEXT, "text", 9)) == 3


def test_many_columns_are_told_apart_in_linear_time() -> None:
    names = "text" + "".join(f",a b c d {place}" for place in range(20_000))
    with pytest.raises(DataError, match="no column that is known to hold the input"):
        read_delimited_rows("\n".join([names[5:]] * 3).encode(), None, TEXT, None, 9)
    with pytest.raises(DataError, match="two columns named 'a b c d 7'"):
        read_delimited_rows(f"{names},a b c d 7\n".encode(), None, TEXT, None, 9)
    assert read_delimited_rows(b"text" + b"," * (MAX_VALUES // 2) + b"\nlate\n", ",", TEXT, None, 9)


def test_a_line_above_the_table_says_the_separator() -> None:
    assert read_delimited_rows(b"sep=|\nid|text\n1|a, b; c\n", None, TEXT, None, 9) == ["a, b; c"]
    assert str(read_delimited_rows(b"sep=;\nid;text\n1;a;b\n", None, TEXT, None, 9)[0]).startswith("row 1 (line 3) ")


def test_json_lines_are_no_table() -> None:
    with pytest.raises(DataError, match="the body is JSON Lines, not a table. Send it as application/jsonl"):
        read_delimited_rows(b'{"text": "late"}\n{"text": "again"}\n', None, TEXT, "text", 9)


def test_a_first_line_that_may_be_data_is_said() -> None:
    said: list[str] = []
    rows = read_delimited_rows(b"where is it?\nlate again\n", None, TEXT, "message", 9, tell=said.append)
    assert rows == ["late again"]
    assert "If that is no header but data, the first line is lost" in said[0]
