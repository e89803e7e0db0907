"""Answers as files: the user's columns, ours, and what stands where there is no answer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from headstart.core.errors import OptionError
from headstart.core.prediction import Prediction
from headstart.core.tasks import get_task
from headstart.packaging.answer_table import AnswerTable, check_output, write_answers

LABELS = ("ham", "spam")
SURE = Prediction(
    item="t.csv row 1", label="ham", probability=0.9, top=(("ham", 0.9), ("spam", 0.1)), prediction_set=("ham",)
)
BROKEN = Prediction(item="t.csv row 2", error="'t.csv row 2' is blank.")


def table(*answers, task="binary", labels=LABELS, **more):
    return AnswerTable(answers=answers, labels=labels, task=get_task(task), **more)


def rows(made):
    return list(csv.DictReader(io.StringIO(made.to_csv())))


def test_the_columns_follow_from_the_task_and_what_is_asked_for():
    assert table(SURE).names == ("item", "prediction", "probability", "prediction_set", "error")
    assert table(task="regression", labels=("price",)).names == ("item", "prediction", "error")
    assert table(task="multilabel").names == ("item", "prediction", "error")
    assert table(SURE, top=1, has_probabilities=True).names[4:] == (
        *("top_1", "top_1_probability", "probability_ham", "probability_spam"),
        "error",
    )


def test_a_row_holds_the_answer_the_probabilities_and_the_users_columns():
    (row, broken) = rows(table(SURE, BROKEN, top=2, has_probabilities=True, own={"id": ["a", "b"]}))
    assert list(row)[:3] == ["item", "id", "prediction"]
    assert (row["id"], row["prediction"], row["prediction_set"]) == ("a", "ham", "ham")
    assert (row["top_2"], row["top_2_probability"]) == ("spam", "0.1")
    assert (row["probability_ham"], row["probability_spam"]) == ("0.9", "0.1")
    assert (broken["id"], broken["prediction"], broken["probability_ham"]) == ("b", "", "")
    assert broken["error"] == BROKEN.error


def test_several_labels_and_values():
    several = Prediction(item="1", labels=("ham", "spam"), top=(("ham", 0.9),))
    assert rows(table(several, task="multilabel"))[0]["prediction"] == "ham;spam"
    assert rows(table(Prediction(item="1", value=0.0), task="regression", labels=("price",)))[0]["prediction"] == "0.0"


def test_json_lines_hold_the_fields_of_a_prediction(tmp_path):
    write_answers(tmp_path / "a.jsonl", table(SURE, BROKEN, has_probabilities=True, own={"id": [7, None]}))
    first, second = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert first == {"id": 7, **SURE.to_dict(), "probabilities": {"ham": 0.9, "spam": 0.1}}
    assert second == {"id": None, "item": BROKEN.item, "error": BROKEN.error}


def test_names_of_a_file_are_those_that_stand_in_it():
    made = table(SURE)
    assert made.names_in(Path("a.csv")) == made.names
    assert {"label", "top", "probabilities", "item", "error"} <= set(made.names_in(Path("a.jsonl")))


def test_another_suffix_is_refused():
    with pytest.raises(OptionError, match=r"\.csv or \.jsonl, but 'a.xlsx'"):
        check_output(Path("a.xlsx"))
