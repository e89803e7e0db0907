"""The user's own columns beside what was computed: by the names of rows, and under names that are free."""

from __future__ import annotations

import pytest

from headstart.data.own_columns import one_table, own_columns


@pytest.fixture
def source(tmp_path):
    (tmp_path / "t.csv").write_text("id,item,input_item\na,1,x\nb,2,y\nc,3,z\n")
    return one_table([tmp_path / "t.csv"])


def test_cells_are_those_of_the_named_rows(source):
    assert own_columns(source, ["t.csv row 3", "t.csv row 1"])["id"] == ["c", "a"]


def test_a_row_that_is_not_there_is_empty(source):
    assert own_columns(source, ["t.csv row 9"]) == {"id": [None], "item": [None], "input_item": [None]}


def test_a_name_that_is_taken_becomes_another(source):
    found = own_columns(source, ["t.csv row 1"], taken=("item",))
    assert found == {"id": ["a"], "input_input_item": ["1"], "input_item": ["x"]}


def test_other_inputs_have_no_columns(tmp_path):
    assert one_table(["-"]) is None
    assert one_table([tmp_path]) is None
    assert one_table(["a.csv", "b.csv"]) is None
