"""A table without the column that the model learnt from: one rule at every door."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from headstart.core.errors import DataError, OptionError
from headstart.data import get_modality, read_items
from headstart.data.given import given_items
from headstart.data.payloads import read_delimited_rows, read_json_rows, read_value

TEXT = get_modality("text")
ROWS = ["late again", "where is it?"]


def _table(columns: dict[str, list[Any]], folder: Path) -> Path:
    pd.DataFrame(columns).to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def _lines(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _json_lines(columns: dict[str, list[Any]]) -> str:
    return "\n".join(map(json.dumps, _lines(columns)))


def _raised(found: list[Any]) -> list[Any]:
    error = next((one for one in found if isinstance(one, DataError)), None)
    if error is not None:
        raise error
    return found


DOORS: dict[str, Any] = {
    "a CSV file": lambda columns, learnt, folder: (
        read_items(_table(columns, folder), modality=TEXT, learnt=learnt).items
    ),
    "standard input": lambda columns, learnt, folder: (
        read_items("-", modality=TEXT, learnt=learnt, stdin=io.StringIO(_json_lines(columns))).items
    ),
    "a frame": lambda columns, learnt, folder: given_items(pd.DataFrame(columns), TEXT, learnt),
    "a dict of columns": lambda columns, learnt, folder: given_items(columns, TEXT, learnt),
    "dicts": lambda columns, learnt, folder: _raised(list(given_items(_lines(columns), TEXT, learnt))),
    "CSV over HTTP": lambda columns, learnt, folder: read_delimited_rows(
        _table(columns, folder).read_bytes(), None, TEXT, learnt, 99
    ),
    "JSON Lines over HTTP": lambda columns, learnt, folder: _raised(
        read_json_rows(_json_lines(columns).encode(), TEXT, learnt, 99)
    ),
    "JSON over HTTP": lambda columns, learnt, folder: _raised(
        [read_value(one, TEXT, learnt) for one in _lines(columns)]
    ),
}


@pytest.mark.parametrize("door", DOORS)
class TestEveryDoor:
    @pytest.mark.parametrize(
        ("columns", "learnt"),
        [
            ({"reply": ["a", "b"], "Message": ROWS}, "message"),  # letter case is no other name
            ({"note": ROWS}, "message"),
            ({"ticket_id": ["T-1", "T-2"], "note": ROWS}, "message"),
            ({"topic": ["a", "b"], "text": ROWS}, ""),  # the model learnt from a folder: the usual name
            ({"nr": [1, 2], "message": ROWS}, ""),
        ],
    )
    def test_the_right_column_or_the_only_one(self, door, columns, learnt, tmp_path):
        assert list(DOORS[door](columns, learnt, tmp_path)) == ROWS

    @pytest.mark.parametrize(
        ("columns", "learnt"),
        [
            ({"text": ROWS, "topic": ["a", "b"]}, "message"),
            ({"comment": ROWS, "review": ["fine", "bad"]}, "text"),
            ({"item": ["sku-1", "sku-2"], "note": ROWS}, "text"),
            ({"beschreibung": ROWS, "betreff": ["a", "b"]}, ""),
        ],
    )
    def test_of_several_none_is_taken_for_its_looks(self, door, columns, learnt, tmp_path):
        said = [f"'{name}'" for name in columns] + [f"'{learnt or 'text'}'"]
        with pytest.raises(DataError) as raised:
            DOORS[door](columns, learnt, tmp_path)
        assert [word for word in said if word not in str(raised.value)] == []
        assert "--input" not in str(raised.value)  # which not every door has


def test_another_column_than_the_one_learnt_from_is_said(tmp_path):
    items = read_items(_table({"id": [1, 2], "note": ROWS}, tmp_path), modality=TEXT, learnt="text")
    assert [notice.kind for notice in items.notices] == ["other-column"]
    assert "'note' of 'data.csv', as there is no 'text', which the model learnt from" in items.notices[0].message
    lines = io.StringIO(_json_lines({"note": ROWS}))
    assert [n.kind for n in read_items("-", modality=TEXT, learnt="text", stdin=lines).notices] == ["other-column"]
    assert not read_items(_table({"TEXT": ROWS, "b": ROWS}, tmp_path), modality=TEXT, learnt="text").notices


def test_a_column_that_the_user_names_must_be_there(tmp_path):
    path = _table({"note": ROWS}, tmp_path)
    with pytest.raises(OptionError, match=r"no column \(for --input\) named 'nota'. Did you mean 'note'"):
        read_items(path, modality=TEXT, input="nota", learnt="text")
    with pytest.raises(DataError, match="stdin row 1 has no 'nota', which --input names"):
        read_items("-", modality=TEXT, input="nota", learnt="text", stdin=io.StringIO('{"note": "a"}'))
    assert not read_items(path, modality=TEXT, input="note", learnt="text").notices
