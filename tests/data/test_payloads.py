"""Tables over a wire: cut as the command line cuts them, or refused by row."""

from __future__ import annotations

import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data import get_modality
from headstart.data.modalities import Row
from headstart.data.payloads import read_delimited_rows

TEXT = get_modality("text")


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
    found = read_delimited_rows(body.encode(), None, TEXT, column)
    assert [one for one in found if one] == ["Hello, there", "Again"]


def test_a_row_that_does_not_fit_is_its_error_in_its_place() -> None:
    found = read_delimited_rows(b"id,text\n1,a\n2,b, c\n\n3\n4,d\n", None, TEXT, "text")
    assert [found[0], found[3]] == ["a", "d"]
    assert (
        str(found[1]) == "row 2 (line 3) has 3 cells where the header has 2. Put a cell that has a ',' in it in quotes."
    )
    assert "row 3 (line 5) has 1 cells where the header has 2" in str(found[2])


def test_rows_of_fields() -> None:
    rows = Row((Field("subject", "text"), Field("body", "text")))
    found = read_delimited_rows(b"id;body;subject\n1;late, late;parcel\n", None, rows, None)
    assert found == [{"subject": "parcel", "body": "late, late"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"where is my parcel\nlate again\n", "no header"),
        (b"text,text\na,b\n", r"two columns named 'text' \(columns 1, 2\)"),
        (b"a,b\n1,2\n", "a record has no key 'text'"),
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
        read_delimited_rows(body, None, TEXT, "text")
