"""A bundle of rows takes dicts, frames and dicts of columns, and names what is wrong with them."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_bundle import make_bundle, make_photos
from tiny_rows import ROWS, TEXT_AND_PHOTO, TWO_TEXTS, RowsPredictor, make_rows_bundle, photo_rows
from tiny_texts import make_text_bundle
from typer.testing import CliRunner

from headstart.cli.app import app
from headstart.core.errors import DataError
from headstart.data import read_items
from headstart.data.rows import Rows
from headstart.packaging import load_bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_rows_bundle(tmp_path_factory.mktemp("bundles") / "rows")


@pytest.fixture(scope="module")
def bundle(folder):
    return load_bundle(folder)


@pytest.fixture(scope="module")
def with_photo(tmp_path_factory):
    return load_bundle(make_rows_bundle(tmp_path_factory.mktemp("bundles") / "both", TEXT_AND_PHOTO))


def columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("form", ["dicts", "frame", "columns", "rows", "more columns"])
def test_every_way_to_give_rows(bundle, form):
    given = {
        "dicts": ROWS,
        "frame": pd.DataFrame(ROWS),
        "columns": columns(ROWS),
        "rows": Rows(columns(ROWS)),
        "more columns": pd.DataFrame(ROWS).assign(id=[7, 8, 9])[["id", "body", "subject"]].rename(columns=str.title),
    }[form]
    expected = RowsPredictor(TWO_TEXTS).predict(ROWS)
    np.testing.assert_allclose(bundle.predict_proba(given), expected, atol=1e-5)
    assert bundle.predict(given) == [bundle.labels[best] for best in expected.argmax(axis=1)]
    assert [one.label for one in bundle.predictions(given)] == bundle.predict(given)
    assert bundle.features(given).shape == (3, 6)


def test_a_text_and_a_photo(with_photo, tmp_path):
    rows = photo_rows()
    expected = with_photo.predict_proba(rows)
    np.testing.assert_allclose(expected, RowsPredictor(TEXT_AND_PHOTO).predict(rows), atol=1e-5)
    named: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        Image.fromarray(row["photo"]).save(tmp_path / f"{number}.png")
        named.append({**row, "photo": str(tmp_path / f"{number}.png")})
    expected = with_photo.predict_proba(named)
    np.testing.assert_array_equal(with_photo.predict_proba(pd.DataFrame(named)), expected)
    pd.DataFrame(named).assign(photo=[f"{number}.png" for number in range(3)]).to_csv(tmp_path / "t.csv", index=False)
    items = read_items(tmp_path / "t.csv", modality=with_photo.reads)
    assert items.modality == "row"
    np.testing.assert_array_equal(with_photo.predict_proba(items.items), expected)
    (tmp_path / "1.png").unlink()
    answers = with_photo.predictions(pd.DataFrame(named))
    assert [bool(one.error) for one in answers] == [False, True, False]
    assert answers[1].error.startswith("item 2: column 'photo' names")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([ROWS[0], {"subject": "a"}], "item 2: a record has no field 'body' .*'subject'.* Give 'subject' and 'body'"),
        ([ROWS[0], {"topic": "a", "boby": "b"}], "no fields 'subject', 'body' .*Is 'boby' the 'body'. Rename it"),
        ([{**ROWS[0], "body": 7}], "item 1: the field 'body' is a int, but a text was expected. Give strings"),
        (["kiwi"], "item 1: a row was expected, but a str came. Give an object with 'subject' and 'body'"),
        ("kiwi", r"not one str. Write \[item\]"),
        (pd.DataFrame([{"subject": "a"}]), "the frame has no column 'body' .*'subject'"),
        ({"subject": ["a"], "body": []}, "differ in length"),
    ],
)
def test_what_is_no_row_is_named(bundle, rows, words):
    with pytest.raises(DataError, match=words):
        bundle.predict(rows)


def test_a_wrong_row_leaves_the_others_their_answers(bundle):
    answers = bundle.predictions([ROWS[0], {"subject": "a"}, ROWS[1]])
    assert [one.label for one in answers] == [bundle.predict(ROWS)[0], None, bundle.predict(ROWS)[1]]
    assert "no field 'body'" in answers[1].error


def test_one_field_takes_frames_and_dicts_too(tmp_path):
    words, texts = load_bundle(make_text_bundle(tmp_path / "words")), ["kiwi", "lime lime"]
    expected = words.predict(texts)
    assert words.predict(pd.DataFrame({"id": [1, 2], "message": texts})) == expected
    assert words.predict(pd.DataFrame({"anything": texts})) == expected
    assert words.predict([{"message": text, "id": 3} for text in texts]) == expected
    assert words.predict([texts[0], {"text": texts[1]}]) == expected
    assert words.predict({"message": texts}) == expected
    with pytest.raises(DataError, match="item 2: a record has no 'message', which the model learnt from"):
        words.predict([texts[0], {"a": "x", "b": "y"}])
    fruit, photos = load_bundle(make_bundle(tmp_path / "fruit")), make_photos(2)
    assert fruit.predict([{"photo": pixels} for pixels in photos]) == fruit.predict(photos)


def test_the_command_reads_tables_and_json_lines(folder, bundle, tmp_path):
    pd.DataFrame(ROWS).assign(id=1).to_csv(tmp_path / "rows.csv", index=False)
    lines = "".join(json.dumps({**row, "id": 1}) + "\n" for row in ROWS)
    for named, text in ((str(tmp_path / "rows.csv"), None), ("-", lines)):
        done = CliRunner().invoke(app, ["predict", str(folder), named, "--json"], input=text)
        assert done.exit_code == 0, done.output
        assert [one["label"] for one in json.loads(done.stdout)] == bundle.predict(ROWS)


def test_what_the_command_cannot_read_is_named(bundle, tmp_path):
    (tmp_path / "a.txt").write_text("kiwi")
    for named, words in (
        (tmp_path, "is a folder that holds no rows"),
        (tmp_path / "a.txt", "is a file that holds no rows"),
    ):
        with pytest.raises(DataError, match=f"{words}. Name a table with columns 'subject' and 'body'"):
            read_items(named, modality=bundle.reads)
    with pytest.raises(DataError, match="stdin row 1: a record has no field 'body'"):
        read_items("-", modality=bundle.reads, stdin=io.StringIO('{"subject": "a"}\n'))
    with pytest.raises(DataError, match='such as {"subject": "…", "body": "…"}'):
        read_items("-", modality=bundle.reads, stdin=io.StringIO(""))
    (said,) = read_items([{**ROWS[0], "id": 1}], modality=bundle.reads).notices
    assert said.message == "column 'id' is not read: the model learned from others."


def test_one_row_is_no_dict_of_columns(bundle):
    for row in (ROWS[0], {**ROWS[0], "body": None}, {"subject": 1, "body": 2.5}):
        with pytest.raises(DataError, match=r"is (one|nothing).*Give a row as \[row\]"):
            bundle.predict(row)


def test_a_folder_of_one_table_is_answered_beside_its_columns(folder, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("where it is from")
    pd.DataFrame(ROWS).assign(ticket=["x", "y", "z"]).to_csv(tmp_path / "data" / "tickets.csv", index=False)
    out = tmp_path / "answers.csv"
    found = CliRunner().invoke(app, ["predict", str(folder), str(tmp_path / "data"), "--out", str(out)])
    assert found.exit_code == 0, found.output
    written = pd.read_csv(out, keep_default_na=False)
    assert written["ticket"].tolist() == ["x", "y", "z"]
    assert written["item"].tolist() == [f"tickets.csv row {number}" for number in (1, 2, 3)]
