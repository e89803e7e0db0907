"""Tables: kinds of columns, what is set aside, what is proposed; and bad tables, each a named error or a stated remedy."""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headstart.core.dataset import Field
from headstart.core.errors import DataError, OptionError, UserError
from headstart.data import load, read_items
from headstart.data.equal_rows import copied_rows
from headstart.data.given import given_items
from headstart.data.modalities import modality_of_fields
from headstart.data.near_duplicates import find_near_duplicates
from headstart.data.packed_columns import Categories, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

N = 60
LABELS = ["yes", "no", "no"] * (N // 3)
AGE = [20 + (7 * i) % 41 + i % 2 / 2 for i in range(N)]
CITY = [("Rome", "Oslo", "Bern", "Riga", "Kyiv")[(3 * i) % 5 if i % 7 else i % 4] for i in range(N)]
FIELDS = (Field("age", "number"), Field("city", "category"), Field("born", "date"))
ROW = modality_of_fields(FIELDS)
GOOD = {"age": 31.5, "city": "Rome", "born": "1990-05-01"}


def table(**columns: Any) -> dict[str, Any]:
    return {"age": AGE, "city": CITY, **columns, "y": LABELS}


def said(dataset: Any, kind: str) -> str:
    return " ".join(notice.message for notice in dataset.notices if notice.kind == kind)


def kinds(dataset: Any) -> dict[str, str]:
    return {field.name: field.modality for field in dataset.fields}


def csv_of(folder: Path, columns: dict[str, Any], name: str = "t.csv") -> Path:
    path = folder / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1.5 * i for i in range(N)], "number"),
        ([f"${i},{100 + 13 * i % 800}.50" for i in range(1, N + 1)], "number"),
        ([f"{i},5" for i in range(N)], "number"),
        ([f"{i} %" for i in range(N)], "number"),
        ([True, False, True] * 20, "category"),
        (["true", "FALSE", "", "true"] * 15, "category"),
        (["01234", "02345", "99999", "01234"] * 15, "category"),
        ([f"2026-01-{i % 28 + 1:02}" for i in range(N)], "date"),
        ([f"2026-01-{i % 28 + 1:02}T10:00:00+0{i % 9}:00" for i in range(N)], "date"),
        ([f"{i % 28 + 1}/{i % 12 + 1}/2026" for i in range(N)], "date"),
        ([dt.date(2026, 1, 1) + dt.timedelta(days=i % 40) for i in range(N)], "date"),
        ([f"they sent the wrong order number {i} again" for i in range(N)], "text"),
        ([f"key-{i:05}" for i in range(N)], None),
        ([*range(1001, 1001 + N)], None),
        ([7] * N, None),
        ([None] * N, None),
        ([[1, 2]] * N, None),
    ],
)  # fmt: skip
def test_the_kind_of_a_column_is_guessed(cells, kind):
    dataset = load(table(it=cells), target="y")
    assert kinds(dataset).get("it") == kind
    assert "'it'" in said(dataset, "guess")


def test_a_table_is_packed_rows():
    dataset = load(table(), target="y")
    assert isinstance(dataset.items.column("age"), Numbers)
    assert isinstance(dataset.items.column("city"), Categories)
    assert dataset.items[0] == {"age": 20.0, "city": "Rome"}


def test_codes_are_categories_by_name_and_doubts_are_said():
    dataset = load(table(zip=[i % 4 + 10000 for i in range(N)], kids=[(i * i) % 4 for i in range(N)]), target="y")
    assert kinds(dataset)["zip"] == "category"
    assert kinds(load(table(kids=[i % 5 for i in range(N)]), target="y"))["kids"] == "number"
    dataset = load(table(kids=[i % 5 for i in range(N)]), target="y")
    assert "'kids' 0 to 4, which may be codes" in said(dataset, "guess")


def test_the_users_word_overrides_every_guess():
    rows = table(key=[f"key-{i:05}" for i in range(N)], kids=[i % 5 for i in range(N)])
    dataset = load(rows, target="y", columns="key:category, kids:category, city:ignore")
    assert kinds(dataset) == {"age": "number", "key": "category", "kids": "category"}
    assert kinds(load(rows, target="y", columns={"age": "category"}))["age"] == "category"


def test_a_column_that_knows_the_target_is_set_aside_and_may_be_kept():
    leak = ["a" if label == "yes" else "b" for label in LABELS]
    dataset = load(table(leak=leak), target="y")
    assert "leak" not in kinds(dataset)
    assert "COLUMN 'leak' KNOWS THE TARGET" in said(dataset, "leak")
    assert "leak" in kinds(load(table(leak=leak), target="y", columns="leak:category"))
    numbers = {"age": AGE, "city": CITY, "twice": [2 * age + 1 for age in AGE], "y": AGE}
    assert "twice" not in kinds(load({**numbers, "age": [i % 13 for i in range(N)]}, target="y"))


def test_all_means_every_column_even_where_one_is_called_so():
    rows = table(all=[i % 7 for i in range(N)])
    dataset = load(rows, target="y", input="all")
    assert kinds(dataset) == {"age": "number", "city": "category", "all": "number"}
    assert any("--input all, with the comma" in notice.message for notice in dataset.notices)
    for alone in ("all,", ["all"]):
        assert kinds(load(rows, target="y", input=alone)) == {"all": "number"}


def test_times_and_groups_are_proposed_first():
    rows = table(born=[f"20{i % 20 + 10}-01-{i % 28 + 1:02}" for i in range(N)], customer_id=[i % 30 for i in range(N)])
    proposed = said(load(rows, target="y"), "proposal")
    assert "--time born" in proposed
    assert "--group customer_id" in proposed
    assert not said(load(rows, target="y", time="born"), "proposal")


def test_one_text_column_is_read_as_ever_and_the_others_are_named():
    texts = [f"they sent the wrong order number {i} again" for i in range(N)]
    dataset = load(table(text=texts), target="y")
    assert dataset.modality == "text"
    assert "'age', 'city' are not read; --input all" in said(dataset, "unread")
    assert kinds(load(table(text=texts), target="y", input="all")) == {
        "age": "number",
        "city": "category",
        "text": "text",
    }


def test_numbers_are_read_as_their_column_was_written(tmp_path):
    rows = table(price=[f"{i + 1}.{100 + i},50 EUR" for i in range(N)])
    dataset = load(csv_of(tmp_path, rows), target="y")
    assert dataset.items.column("price")[0] == 1100.5
    price = next(field for field in dataset.fields if field.name == "price")
    one = modality_of_fields((price, Field("age", "number")))
    assert one.receive({"price": "1.299 EUR", "age": "1.5"}) == {"price": 1299.0, "age": 1.5}
    assert one.receive({"price": 1.299, "age": None})["price"] == 1.299


def test_a_rare_value_is_no_constant(tmp_path):
    n = 9_000
    rows = {"a": np.arange(n) % 97 + 0.5, "rare": np.zeros(n), "always": np.ones(n), "y": np.arange(n) % 2}
    rows["rare"][4_321] = 1
    dataset = load(csv_of(tmp_path, rows), target="y")
    assert kinds(dataset) == {"a": "number", "rare": "number"}
    assert "'always' (one value)" in said(dataset, "guess")


def test_copies_are_one_group_and_equal_rows_by_chance_are_not():
    rng = np.random.default_rng(0)
    rows = {"a": rng.normal(size=200), "b": rng.normal(size=200), "y": rng.integers(0, 2, 200)}
    rows = {name: np.append(cells, cells[:7]).tolist() for name, cells in rows.items()}
    assert find_near_duplicates(load(rows, target="y")).n_groups == 200
    coarse = {
        "sex": ["m", "f"] * 100,
        "class": [i % 3 + 0.5 for i in range(200)],
        "y": rng.integers(0, 2, 200).tolist(),
    }
    assert find_near_duplicates(load(coarse, target="y")).n_groups == 200
    assert len(copied_rows([np.arange(50), np.arange(50)])) == 0


def test_keys_and_descriptions_of_many_rows_are_those_of_each():
    items = load(table(born=[f"2026-01-{i % 28 + 1:02}" for i in range(N)]), target="y").items
    assert ROW.keys(items) == [ROW.key(item) for item in items]
    assert np.isfinite(ROW.describe(items)).all()
    assert ROW.keys([{**GOOD, "born": 0.0, "age": -0.0}]) == ROW.keys([{**GOOD, "born": -0.0, "age": 0.0}])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_of_every_library_are_the_same(make):
    rows = table(
        n=[None if i == 3 else i * 0.5 for i in range(N)],
        when=[np.datetime64(f"2026-01-{i % 28 + 1:02}", "ms").item() for i in range(N)],
    )
    dataset = load(make(rows), target="y")
    assert kinds(dataset) == {"age": "number", "city": "category", "n": "number", "when": "date"}
    assert math.isnan(dataset.items[3]["n"])
    assert dataset.items[4] == {"age": AGE[4], "city": CITY[4], "n": 2.0, "when": 1767571200.0}
    item = given_items(make({"age": [1.5], "city": ["Rome"], "born": ["1990-05-01"], "more": [1]}), ROW)[0]
    assert item == {"age": 1.5, "city": "Rome", "born": 641520000.0}


def workbook(folder: Path, sheets: dict[str, list[list[Any]]], merged: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if merged:
            sheet.merge_cells(merged)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


SHEET = [
    ["age", "city", "when", "y"],
    *([AGE[i], CITY[i], dt.date(2026, 1, i % 28 + 1), LABELS[i]] for i in range(N)),
]


def test_a_sheet_of_a_workbook(tmp_path):
    dataset = load(workbook(tmp_path, {"May": SHEET, "empty": []}), target="y")
    assert kinds(dataset) == {"age": "number", "city": "category", "when": "date"}
    assert dataset.items[1] == {"age": AGE[1], "city": CITY[1], "when": 1767312000.0}
    assert len(load(f"{workbook(tmp_path, {'May': SHEET, 'June': SHEET[:41]})}#June", target="y")) == 40
    assert len(load(workbook(tmp_path, {"May": SHEET, "June": SHEET[:41]}), sheet="June", target="y")) == 40
    merged = load(workbook(tmp_path, {"May": SHEET}, merged="B2:B5"), target="y")
    assert list(merged.items.column("city")[:5]) == [CITY[0]] * 4 + [CITY[4]]
    assert "1 merged ranges" in said(merged, "merged-cells")


def database(folder: Path) -> Path:
    with sqlite3.connect(folder / "shop.db") as connection:
        pd.DataFrame(table()).to_sql("orders", connection, index=False)
    connection.close()
    return folder / "shop.db"


def test_a_query_of_a_database(tmp_path):
    path = database(tmp_path)
    dataset = load(path, sql="SELECT * FROM orders WHERE age > 25 -- ::", target="y")
    assert len(dataset) == sum(age > 25 for age in AGE)
    assert (
        len(load(f"sqlite:///{path}", sql="WITH a AS (SELECT * FROM orders) SELECT age, city, y FROM a;", target="y"))
        == N
    )


@dataclass(frozen=True)
class Case:
    """A bad table, and the words with which it is refused, or (`notice`) taken."""

    name: str
    run: Callable[[Path], Any]
    words: tuple[str, ...]
    error: type[UserError] | None = DataError
    notice: str = ""


def predict_csv(folder: Path, **columns: Any) -> Any:
    return read_items(csv_of(folder, columns), modality=ROW)


SOME = {"age": [1.5, 2.5], "city": ["Rome", "Oslo"], "born": ["1990-05-01", "1990-05-02"]}


def changed(**columns: Any) -> dict[str, Any]:
    return {**SOME, **columns}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SOME.items() if key != name}


CASES = [
    # at training
    Case("a few infinities", lambda p: load(table(n=[math.inf if i == 4 else i / 3 for i in range(N)]), target="y"), ("'inf' in the data row 5", "missing"), None, "unreadable-cell"),
    Case("a few words among numbers", lambda p: load(csv_of(p, table(n=["many" if i == 4 else i / 3 for i in range(N)])), target="y"), ("'many' in t.csv row 5", "1 of 60"), None, "unreadable-cell"),
    Case("many words in a number column", lambda p: load(table(n=["many", "few", 3] * 20), target="y", columns="n:number"), ("40 of 60", "'many' in the data row 1", "--columns 'n:category'")),
    Case("no date where one was said", lambda p: load(table(), target="y", columns="city:date"), ("60 of 60", "no dates", "--columns")),
    Case("lists in a category column", lambda p: load(table(n=[[1]] * N), target="y", columns="n:category"), ("60 of 60", "no categories")),
    Case("unknown kind", lambda p: load(table(), target="y", columns="age:numeral"), ("'numeral'", "number"), OptionError),
    Case("unknown column of --columns", lambda p: load(table(), target="y", columns="aeg:number"), ("'aeg'", "Did you mean 'age'"), OptionError),
    Case("--columns without a kind", lambda p: load(table(), target="y", columns="age"), ("age:number", "got 'age'"), OptionError),
    Case("--columns of a folder of classes", lambda p: load(_folder(p), columns="age:number"), ("--columns",), OptionError),
    Case("the kind of the target", lambda p: load(table(), target="y", columns="y:number"), ("'y'", "the target", "--task"), OptionError),
    Case("nothing but ids", lambda p: load({"key": [f"k{i}" for i in range(N)], "id": [*range(N)], "y": LABELS}, target="y", input="all"), ("no column to learn from", "identifier", "--columns")),
    Case("nothing but the target", lambda p: load({"y": LABELS}, target="y", input="all"), ("no column to learn from", "none beside the target", "Add the columns")),
    Case("nothing but one column", lambda p: load({"y": LABELS}, target="y"), ("has one column, 'y'", "nothing to learn it from", "Add a column")),
    Case("nothing but constants", lambda p: load({"a": [1] * N, "b": ["x"] * N, "y": LABELS}, target="y", input="all"), ("no column to learn from", "one value")),
    Case("nothing but a leak", lambda p: load({"a": [1.0 if x == "yes" else 2.0 for x in LABELS], "b": [3] * N, "y": LABELS}, target="y", input="all"), ("no column is left", "KNOWS THE TARGET", "--columns")),
    Case("10,000 columns", lambda p: load({**{f"x{i}": AGE for i in range(10_000)}, "y": LABELS}, target="y"), ("10,000 columns", "2,000", "--input")),
    Case("mixed units", lambda p: load(table(n=[f"{i} kg" if i % 2 else f"{i} lbs" for i in range(N)]), target="y"), ("units differ", "'n'"), None, "guess"),
    Case("mixed zones", lambda p: load(table(t=[f"2026-01-{i % 28 + 1:02}T10:00:00{'+05:00' if i % 2 else 'Z'}" for i in range(N)]), target="y"), ("'t' (date)",), None, "guess"),
    Case("day or month first", lambda p: load(table(t=[f"{i % 12 + 1}/{i % 11 + 1}/2026" for i in range(N)]), target="y"), ("'t' the month first, though it may be otherwise",), None, "guess"),
    Case("a ragged row", lambda p: load(_ragged(p), target="y", max_unreadable=0.0), ("row 3", "has 4 cells where the header has 3")),
    Case("two columns of one name", lambda p: load(pd.DataFrame([[1, 2, "a"]] * 9, columns=["x", "x", "y"]), target="y"), ("two columns named 'x'",)),
    Case("a target that is an input too", lambda p: load(table(), target="y", input="age,y"), ("both input and target",), OptionError),
    # workbooks and databases
    Case("two sheets", lambda p: load(workbook(p, {"May": SHEET, "June": SHEET}), target="y"), ("2 sheets", "'May', 'June'", "t.xlsx#May")),
    Case("no such sheet", lambda p: load(f"{workbook(p, {'May': SHEET})}#Mai", target="y"), ("'Mai'", "Did you mean 'May'"), OptionError),
    Case("a merged header", lambda p: load(workbook(p, {"May": SHEET}, merged="A1:B1"), target="y"), ("merged cells in its first row", "columns 1 to 2")),
    Case("an empty workbook", lambda p: load(workbook(p, {"May": []}), target="y"), ("holds no rows",)),
    Case("a sheet of no workbook", lambda p: load(csv_of(p, table()), target="y", sheet="May"), ("--sheet May", "t.csv' is none"), OptionError),
    Case("two sheets named", lambda p: load(f"{workbook(p, {'May': SHEET})}#May", target="y", sheet="June"), ("'May', and --sheet 'June'",), OptionError),
    Case("no workbook", lambda p: load(_written(p, b"PK\x03\x04 no"), target="y"), ("no spreadsheet that can be read", "CSV")),
    Case("a query that writes", lambda p: load(database(p), sql="DELETE FROM orders", target="y"), ("a query that reads", "DELETE")),
    Case("a query that is wrong", lambda p: load(database(p), sql="SELECT agee FROM orders", target="y"), ("no such column: agee", "Correct the query")),
    Case("a query hidden in a reading one", lambda p: load(database(p), sql="WITH a AS (SELECT 1) DELETE FROM orders", target="y"), ("readonly",)),
    Case("no database", lambda p: load(p / "no.db", sql="SELECT 1", target="y"), ("no.db", "does not exist")),
    Case("a query without rows", lambda p: load(database(p), sql="SELECT * FROM orders WHERE age > 999", target="y"), ("no rows",)),
    # at prediction
    Case("a missing column", lambda p: predict_csv(p, **without("age")), ("no column 'age'", "Name one with columns 'age', 'city' and 'born'")),
    Case("a renamed column", lambda p: predict_csv(p, **without("age"), Age_=[1.5, 2.5]), ("no column 'age'", "Is it 'Age_'? Rename it to 'age'")),
    Case("a renamed key", lambda p: given_or_raise([GOOD, {k: v for k, v in GOOD.items() if k != "city"} | {"City": "Rome"}]), ("item 2", "no field 'city'", "Is it 'City'?")),
    Case("words in a number column of a file", lambda p: predict_csv(p, **changed(age=[1.5, "old"])), ("t.csv row 2", "column 'age' holds 'old' where a number was expected")),
    Case("infinity in a file", lambda p: predict_csv(p, **changed(age=["inf", 2])), ("t.csv row 1", "'inf'", "a number was expected")),
    Case("words in a number column of a frame", lambda p: given_or_raise(pd.DataFrame(changed(age=[1.5, "old"]))), ("item 2", "column 'age' holds 'old'")),
    Case("words in a number field of a dict", lambda p: given_or_raise([GOOD, {**GOOD, "age": "old"}]), ("item 2", "'age'", "a number was expected, but 'old' came")),
    Case("words in a number field over HTTP", lambda p: ROW.receive({**GOOD, "age": "old"}), ("the field 'age'", "a number was expected", "or null")),
    Case("a list in a category over HTTP", lambda p: ROW.receive({**GOOD, "city": ["Rome"]}), ("the field 'city'", "a category was expected, but a list came")),
    Case("no date over HTTP", lambda p: ROW.receive({**GOOD, "born": "soon"}), ("the field 'born'", "a date was expected, but 'soon' came", "2026-01-31")),
    Case("infinity over HTTP", lambda p: ROW.receive({**GOOD, "age": math.inf}), ("the field 'age'", "'inf'")),
    Case("all fields but one over HTTP", lambda p: ROW.receive({"ages": 3, "born": "1990-05-01"}), ("no fields 'age', 'city'", "Is 'ages' the 'age'?")),
]  # fmt: skip


def given_or_raise(data: Any) -> Any:
    items = given_items(data, ROW)
    wrong = next((item for item in items if isinstance(item, DataError)), None)
    if wrong is not None:
        raise wrong
    return items


def _folder(folder: Path) -> Path:
    for label in "ab":
        (folder / "classes" / label).mkdir(parents=True)
        (folder / "classes" / label / "1.txt").write_text("a text")
    return folder / "classes"


def _ragged(folder: Path) -> Path:
    path = csv_of(folder, table())
    lines = path.read_text().splitlines()
    lines[3] += ",more"
    path.write_text("\n".join(lines))
    return path


def _written(folder: Path, content: bytes) -> Path:
    (folder / "t.xlsx").write_bytes(content)
    return folder / "t.xlsx"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_table_is_a_named_error_or_a_stated_remedy(case, tmp_path):
    if case.error is None:
        message = said(case.run(tmp_path), case.notice)
    else:
        with pytest.raises(case.error) as caught:
            case.run(tmp_path)
        message = str(caught.value)
        assert "\n" not in message
    for words in case.words:
        assert words in message


def test_at_least_thirty_bad_tables_are_judged():
    assert len({case.name for case in CASES}) >= 30


def test_what_is_fine_at_prediction():
    rows = [
        {**GOOD, "city": "Atlantis"},
        {"age": None, "city": None, "born": None},
        {**GOOD, "age": "?", "city": "NA"},
        {**GOOD, "age": True, "city": 3.0, "born": 0},
    ]
    items = given_or_raise(rows)
    assert items[0]["city"] == "Atlantis"
    assert math.isnan(items[1]["age"])
    assert items[1]["city"] == ""
    assert math.isnan(items[2]["age"])
    assert items[2]["city"] == ""
    assert items[3] == {"age": 1.0, "city": "3", "born": 0.0}
