"""Rows: columns side by side, dicts when asked for; several inputs of a table."""

import json

import numpy as np
import PIL.Image
import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError, OptionError
from headstart.data import load
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


def table(folder, rows, name="tickets.csv"):
    lines = ["subject,body,photo,label", *rows]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def tickets(folder, n=24):
    return table(folder, [f"subject {i},body {i % 7} of it,{i}.jpg,{'ab'[i % 2]}" for i in range(n)])


def test_several_inputs_make_rows(tmp_path):
    dataset = load(tickets(tmp_path), input="subject,body", target="label")
    assert dataset.modality == "row"
    assert dataset.fields == (Field("subject", "text"), Field("body", "text"))
    assert dataset.items[3] == {"subject": "subject 3", "body": "body 3 of it"}
    assert isinstance(dataset.items.column("body"), Texts)
    assert dataset.columns["input"] == "subject,body"
    assert dataset.only_field("body").items[3] == "body 3 of it"
    assert dataset.take(np.array([5])).items[0]["subject"] == "subject 5"


def test_inputs_may_be_a_list_and_one_is_a_plain_column(tmp_path):
    path = tickets(tmp_path)
    assert load(path, input=["body", "subject"], target="label").items[0] == {
        "body": "body 0 of it",
        "subject": "subject 0",
    }
    one = load(path, input=["body"], target="label")
    assert one.modality == "text"
    assert one.fields == (Field("body", "text"),)
    assert one.items[0] == "body 0 of it"


def test_a_column_with_a_comma_in_its_name_is_found_first(tmp_path):
    data = {"subject,body": [f"text {i}" for i in range(8)], "subject": list("abcdefgh"), "label": ["x", "y"] * 4}
    assert load(data, input="subject,body", target="label").modality == "text"


def test_a_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionError, match="'bodi'"):
        load(tickets(tmp_path), input="subject,bodi", target="label")
    with pytest.raises(OptionError, match="both input and target"):
        load(tickets(tmp_path), input="subject,label", target="label")


def test_a_row_is_blank_where_all_its_texts_are(tmp_path):
    path = table(
        tmp_path, [",,1.jpg,a", "late,,2.jpg,b", ",gone,3.jpg,a", *[f"s{i},b{i},x,{'ab'[i % 2]}" for i in range(9)]]
    )
    dataset = load(path, input="subject,body", target="label")
    assert len(dataset) == 11
    assert dataset.items[0] == {"subject": "late", "body": ""}
    assert any("1 blank row left out, the first tickets.csv row 1" in notice.message for notice in dataset.notices)


def test_a_photo_that_cannot_be_read_names_row_and_column(tmp_path):
    path = tickets(tmp_path, n=6)
    for i in (0, 1, 2, 4, 5):
        PIL.Image.new("RGB", (8, 8)).save(tmp_path / f"{i}.jpg")
    with pytest.raises(DataError, match="'tickets.csv row 4' column 'photo' names '3.jpg', which does not exist"):
        load(path, input="subject,photo", target="label")
    dataset = load(path, input="subject,photo", target="label", max_unreadable=0.5)
    assert [field.modality for field in dataset.fields] == ["text", "image"]
    assert dataset.items[2] == {"subject": "subject 2", "photo": tmp_path / "2.jpg"}


COLUMNS = {"subject": [f"s {i}" for i in range(8)], "body": [f"b {i % 3}" for i in range(8)], "label": ["x", "y"] * 4}
RECORDS = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)]


@pytest.mark.parametrize("kind", ["dict", "records", "frame", "pair of frame", "pair of dicts", "jsonl", "parquet"])
def test_rows_are_the_same_whatever_holds_them(kind, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    named = {"input": "subject,body", "target": "label"}
    if kind == "jsonl":
        (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    if kind == "parquet":
        frame.to_parquet(tmp_path / "t.parquet")
    inputs = [{"subject": r["subject"], "body": r["body"]} for r in RECORDS]
    dataset = {
        "dict": lambda: load(COLUMNS, **named),
        "records": lambda: load(RECORDS, **named),
        "frame": lambda: load(frame, **named),
        "pair of frame": lambda: load((frame[["subject", "body"]], COLUMNS["label"])),
        "pair of dicts": lambda: load((inputs, COLUMNS["label"])),
        "jsonl": lambda: load(tmp_path / "t.jsonl", **named),
        "parquet": lambda: load(tmp_path / "t.parquet", **named),
    }[kind]()
    assert [*dataset.items] == inputs
    assert dataset.labels == ("x", "y")


def test_every_input_is_looked_at_for_its_label():
    labels = ["kiwi", "apple"] * 15
    data = {
        "subject": [f"order {i}" for i in range(30)],
        "body": [f"the {w} {i}" for i, w in enumerate(labels)],
        "y": labels,
    }
    notices = load(data, input="subject,body", target="y").notices
    assert [notice.where for notice in notices if notice.kind == "leak"] == [("body",)]
