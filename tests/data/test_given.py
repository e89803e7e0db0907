"""Items given in Python or over a wire: what is a list of items, and which of them are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data import Texts, get_modality
from headstart.data.given import given_items, listed_items, receive_item, unusable_items
from headstart.data.modalities import Row

TEXT, IMAGE = get_modality("text"), get_modality("image")
SUBJECT_AND_BODY = Row((Field("subject", "text"), Field("body", "text")))


@pytest.mark.parametrize(
    "data",
    [
        ("a", "b"),
        (text for text in "ab"),
        np.array(["a", "b"]),
        np.array([["a"], ["b"]], dtype=object),
        pd.Series(["a", "b"], index=[7, 3]),
        pd.Series(["a", "b"], index=[1, 0], dtype="string"),
        pd.Index(["a", "b"]),
        pd.DataFrame({"text": ["a", "b"]}, index=[1, 0]),
        pd.DataFrame({"text": ["a", "b"], "id": [1, 2]}),
        {"id": [1, 2], "text": ["a", "b"]},
        [{"text": "a"}, {"text": "b", "id": 2}],
    ],
)
def test_items_come_in_their_order(data: Any) -> None:
    assert list(given_items(data, TEXT, "text")) == ["a", "b"]


@pytest.mark.parametrize("data", ["a", b"a", Path("a"), 7, None, 1.5])
def test_one_item_is_no_list(data: Any) -> None:
    with pytest.raises(DataError, match=rf"not one {type(data).__name__}. Write \[item\]".replace("Posix", ".*")):
        given_items(data, TEXT)


def test_what_has_no_order_or_no_names() -> None:
    with pytest.raises(DataError, match="a set has no order"):
        listed_items({"a", "b"})
    with pytest.raises(DataError, match=r"an array of shape \(2, 2\) has columns without names"):
        listed_items(np.array([["a", "b"], ["c", "d"]]))
    with pytest.raises(DataError, match=r"not one ndarray. Write \[item\]"):
        given_items(np.zeros((8, 8, 3), np.uint8), IMAGE)
    with pytest.raises(DataError, match=r"a pyarrow.*Table is not read. Give its to_pandas\(\)"):
        listed_items(pa.table({"text": ["a"]}))
    assert len(given_items(np.zeros((2, 8, 8), np.uint8), IMAGE)) == 2


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (None, r"a text was expected, but there is none \(None\)"),
        (float("nan"), r"a text was expected, but there is none \(nan\)"),
        (np.float32("nan"), "there is none"),
        (pd.NA, r"there is none \(<NA>\)"),
        (pd.NaT, r"there is none \(NaT\)"),
        (7, "a text was expected, but a int came. Give strings"),
        (b"a", "but a bytes came"),
        ("", "the text is blank"),
        (" \t\u200b\n", "the text is blank"),
    ],
)
def test_what_is_no_text_is_named_and_the_others_are_not(item: Any, words: str) -> None:
    found = unusable_items(["late", item, "nan"], TEXT)
    assert list(found) == [1]
    with pytest.raises(DataError, match=words):
        raise found[1]


@pytest.mark.parametrize("item", [None, float("nan"), 7, True])
def test_what_is_no_image(item: Any) -> None:
    assert list(unusable_items([np.zeros((4, 4, 3), np.uint8), item], IMAGE)) == [1]


def test_packed_texts_are_looked_through_too() -> None:
    assert list(unusable_items(Texts.of(["late", "", "x", "  "]), TEXT)) == [1, 3]


def test_a_field_of_a_row_may_be_missing_but_not_all() -> None:
    rows = [{"subject": "late", "body": None}, {"subject": float("nan"), "body": ""}, {"subject": "a", "body": 7}]
    items = given_items(rows, SUBJECT_AND_BODY)
    assert items[0] == {"subject": "late", "body": ""}
    found = unusable_items(items, SUBJECT_AND_BODY)
    assert list(found) == [2, 1]
    assert "the row is blank" in str(found[1])
    assert "item 3: the field 'body' is a int" in str(found[2])
    assert receive_item(rows[0], SUBJECT_AND_BODY) == items[0]


@pytest.mark.parametrize("value", [None, float("nan"), "", "  ", 7, b""])
def test_what_comes_over_a_wire_is_judged_alike(value: Any) -> None:
    with pytest.raises(DataError, match=r"a text was expected|the text is blank"):
        receive_item(value, TEXT)
    assert receive_item("nan", TEXT) == "nan"


@pytest.mark.parametrize("cell", [1.5, -0.0, float("nan"), float("inf"), 3, True, "2.5", "many", np.float64(4.0), None])
def test_a_finite_float_takes_a_short_way_to_the_same_end(cell: Any) -> None:
    number = get_modality("number")
    read = number.read(cell)
    if read is None:
        with pytest.raises(DataError, match="a number was expected"):
            number.receive(cell)
    else:
        assert np.array_equal(number.receive(cell), read, equal_nan=True)
    assert number.misfit([1.0, cell]) == (1 if read is None else None)
    assert number.blanks([1.0, cell]) == ([1] if read is None or np.isnan(read) else [])
