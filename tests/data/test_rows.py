"""Rows: columns side by side, dicts when asked for; several inputs of a table."""

import numpy as np
import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError
from headstart.data.modalities import get_modality, modality_of_fields
from headstart.data.rows import Rows, column_of
from headstart.data.text import Texts

ROWS = Rows({"subject": Texts.of(["late", "refund", "lost"]), "body": ["where is it?", "money", "gone"]})
SUBJECT_AND_BODY = modality_of_fields((Field("subject", "text"), Field("body", "text")))


def test_a_member_is_a_dict_in_the_order_of_the_fields():
    assert len(ROWS) == 3
    assert list(ROWS[1].items()) == [("subject", "refund"), ("body", "money")]
    assert ROWS[-1]["body"] == "gone"


@pytest.mark.parametrize("chosen", [[2, 0], np.array([2, 0])])
def test_some_rows_stay_packed(chosen):
    taken = ROWS.take(chosen)
    assert isinstance(taken.column("subject"), Texts)
    assert [*taken] == [ROWS[2], ROWS[0]]
    assert [*ROWS[1:]] == [ROWS[1], ROWS[2]]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="one length"):
        Rows({"a": [1], "b": [1, 2]})


def test_a_column_of_dicts_names_the_one_that_lacks_it():
    assert column_of([{"a": 1, "b": 2}], "b") == [2]
    with pytest.raises(DataError, match="item 2 needs a field 'b'"):
        column_of([{"b": 1}, {"a": 1}], "b")


def test_one_field_is_its_modality_itself():
    assert modality_of_fields((Field("body", "text"),)) is get_modality("text")


def test_rows_are_the_same_where_every_field_is():
    first, other = {"subject": "late", "body": "x"}, {"subject": "x", "body": "late"}
    assert SUBJECT_AND_BODY.key(first) == SUBJECT_AND_BODY.key(dict(first))
    assert SUBJECT_AND_BODY.key(first) != SUBJECT_AND_BODY.key(other)


def test_only_rows_without_any_text_are_blank():
    assert SUBJECT_AND_BODY.blanks(Rows({"subject": ["", "late", ""], "body": ["", "", " "]})) == [0, 2]


def test_a_preview_shows_every_field():
    shown = SUBJECT_AND_BODY.preview(ROWS[0])
    assert shown == {"fields": [{"name": "subject", "text": "late"}, {"name": "body", "text": "where is it?"}]}
