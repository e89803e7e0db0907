"""Labelled data of kinds that people complained about, and what is right for each: what `load` finds, or a refusal."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from bench.robustness.labelled_case import LabelledCase, refused, right
from bench.robustness.made_data import TOPICS, messages, write_csv, write_json_lines
from bench.robustness.photo_inputs import photo_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

N = 120
ALL = sorted(TOPICS)


def labelled_cases() -> list[LabelledCase]:
    """All of them."""
    return [*_label_columns(), *_combinations(), *_numbers(), *_splits(), *photo_cases(), *_tables()]


def _table(
    write: Callable[[int, str], Any], *, header: str = "label", n: int = N, **how: Any
) -> Callable[[Path], Path]:
    """A CSV of texts, with the cell that is made of the row's number and topic."""
    rows = [(text, write(number, topic)) for number, (text, topic) in enumerate(messages(n))]
    return lambda folder: write_csv(folder / "data.csv", ["text", header], rows, **how)


def _cells(cells: Sequence[Any], header: str) -> Callable[[Path], Path]:
    """A CSV of texts with these cells beside them."""
    return _table(lambda number, _: cells[number], header=header)


def _named(**names: str) -> Callable[[int, str], str]:
    return lambda _, topic: names[topic]


def _label_columns() -> list[LabelledCase]:
    """Label identity: values that look missing, spellings, types."""
    codes = {topic: number for number, topic in enumerate(ALL)}

    def countries(number: int, topic: str) -> str:
        del number
        return {"delivery": "NA", "billing": "DE", "login": "FR", "repair": "GB"}[topic]

    severities = _named(delivery="None", billing="mild", login="severe", repair="moderate")
    kinds = _named(delivery="null", billing="text", login="number", repair="date")
    return [
        LabelledCase(name="a class called NA", make=_table(countries, header="country"), options={"target": "country"},
                     expected=right(labels=["DE", "FR", "GB", "NA"])),
        LabelledCase(name="a class called null", make=_table(kinds), expected=right(labels=["date", "null", "number", "text"])),
        LabelledCase(name="a class called None", make=_table(severities), expected=right(labels=["None", "mild", "moderate", "severe"])),
        LabelledCase(name="1 and 1.0", make=_table(lambda i, t: codes[t] % 2 if i % 3 else f"{codes[t] % 2}.0"),
                     expected=right(labels=["0", "1"], task="binary")),
        LabelledCase(name="True and TRUE", make=_table(lambda i, t: str(t == "login") if i % 3 else str(t == "login").upper()),
                     expected=right(task="binary")),
        LabelledCase(name="spaces and letter case", make=_table(lambda i, t: t if i % 5 else f" {t.title()} "), expected=right(labels=ALL)),
        LabelledCase(name="0.0 beside a blank", make=_table(lambda i, t: "" if i == 5 else float(codes[t])),
                     expected=right(labels=["0", "1", "2", "3"], n_unlabelled=1)),
        LabelledCase(name="blank labels", make=_table(lambda i, t: "" if i % 10 == 9 else t), expected=right(labels=ALL, n_unlabelled=12)),
    ]  # fmt: skip


def _combinations() -> list[LabelledCase]:
    """Cells with several labels, as each tool writes them."""
    rng = random.Random(6)
    sets = [sorted({topic, rng.choice(ALL)}) for _, topic in messages(N)]
    writers: dict[str, Callable[[list[str]], str]] = {
        "a;b": ";".join, "a|b": "|".join, "a,b": ",".join, "a, b": ", ".join, "a||b": "||".join, "a#b": "#".join,
        "a / b": " / ".join, "JSON lists": json.dumps, "lists of Python": repr, "{a,b}": lambda one: f"{{{','.join(one)}}}",
        "Label Studio's cells": lambda one: one[0] if len(one) == 1 else json.dumps({"choices": one}),
    }  # fmt: skip
    found = right(labels=ALL, task="multilabel")
    cases = [
        LabelledCase(name=f"labels as {name}", make=_cells(list(map(write, sets)), "topics"), expected=found)
        for name, write in writers.items()
    ]  # fmt: skip
    spaces = _table(lambda i, _: " ".join(sets[i]), header="tags")
    names = {"delivery": "very good", "billing": "good", "login": "bad", "repair": "very bad"}
    commas = _named(delivery="Card, prepaid", billing="Loan, payday", login="Debt", repair="Mortgage, fixed rate")
    return [
        *cases,
        LabelledCase(name="labels as a b", make=spaces, expected=right("--task multilabel", task="multiclass")),
        LabelledCase(name="labels as a b, multilabel", make=spaces, options={"task": "multilabel"}, expected=found),
        LabelledCase(name="classes with a space", make=_table(_named(**names)), expected=right(labels=sorted(names.values()))),
        LabelledCase(name="classes with a comma", make=_table(commas), expected=right(task="multiclass")),
        LabelledCase(name="nested choices", make=_records(lambda i, _: {"topics": {"choices": sets[i]}}), expected=found),
        LabelledCase(name="one nested choice", make=_records(lambda _, t: {"sentiment": {"choices": [t]}}),
                     expected=right(labels=ALL, task="multiclass")),
        LabelledCase(name="dicts with a name", make=_records(lambda i, _: {"topics": [{"name": one} for one in sets[i]]}), expected=found),
        LabelledCase(name="lists of one", make=_records(lambda _, t: {"labels": [t]}), expected=right(labels=ALL, task="multiclass")),
        LabelledCase(name="a label of no kind", make=_records(lambda i, _: {"label": {"start": i, "end": [i]}}),
                     expected=refused("data.jsonl row 1", "label")),
    ]  # fmt: skip


def _records(write: Callable[[int, str], dict[str, Any]]) -> Callable[[Path], Path]:
    made = [{"text": text, **write(number, topic)} for number, (text, topic) in enumerate(messages(N))]
    return lambda folder: write_json_lines(folder / "data.jsonl", made)


def _numbers() -> list[LabelledCase]:
    """Numbers as people write them, and numbers that are codes."""
    rng = random.Random(3)
    prices = [round(rng.uniform(900, 250_000), 2) for _ in range(N)]
    lowest, highest = min(prices), max(prices)
    writers: dict[str, Callable[[float], str]] = {
        "1,234.50": lambda x: f"{x:,.2f}", "1.234,50": lambda x: _german(f"{x:,.2f}"), "$1,234.50": lambda x: f"${x:,.2f}",
        "1.234,50 €": lambda x: f"{_german(f'{x:,.2f}')} €", "1 234.50": lambda x: f"{x:,.2f}".replace(",", " "),
        "1'234.50": lambda x: f"{x:,.2f}".replace(",", "'"), "USD 1234.50": lambda x: f"USD {x:.2f}",
    }  # fmt: skip
    cases = [
        LabelledCase(
            name=f"numbers as {name}",
            make=_cells(list(map(write, prices)), "price"),
            expected=right(task="regression", low=lowest, high=highest),
        )
        for name, write in writers.items()
    ]
    percent = _table(lambda i, _: f"{prices[i] / 2600:.1f} %", header="score")
    units = _table(lambda i, _: f"{i} kg" if i % 2 else f"{i * 1000} g", header="weight")
    whole = _table(lambda i, _: f"{int(prices[i]):,}", header="price")
    word = _table(lambda i, _: "on request" if i == 40 else f"${prices[i]:,.2f}", header="price")
    return [
        *cases,
        LabelledCase(name="percentages", make=percent, expected=right(task="regression")),
        LabelledCase(name="whole thousands 1,234", make=whole, expected=right(task="regression", low=int(lowest), high=int(highest))),
        LabelledCase(name="a word among prices", make=word, expected=refused("data.csv row 41", "on request", "blank")),
        LabelledCase(name="two units", make=units, options={"target": "weight"}, expected=refused("kg", "g", "unit")),
        LabelledCase(name="30 codes from 0", make=_table(lambda i, _: i % 30), expected=right(task="multiclass")),
        LabelledCase(name="ages", make=_table(lambda i, _: 18 + int(prices[i]) % 67, header="age"), expected=right(task="regression")),
    ]  # fmt: skip


def _german(written: str) -> str:
    return written.translate(str.maketrans(",.", ".,"))


def _splits() -> list[LabelledCase]:
    """Columns that say which rows are for training."""

    def divided(*words: Any, column: str = "split", **options: Any) -> tuple[Callable[[Path], Path], dict[str, Any]]:
        rows = [(text, topic, words[min(i // 40, len(words) - 1)]) for i, (text, topic) in enumerate(messages(N))]
        return lambda folder: write_csv(folder / "data.csv", ["text", "topic", column], rows), {
            "target": "topic",
            **options,
        }

    three = right(splits={"train": 40, "validation": 40, "test": 40})
    held_out = right(splits={"train": 80, "validation": 0, "test": 40})
    validated = right(splits={"train": 80, "validation": 40, "test": 0})
    kinds = {
        "train, val, test": (divided("train", "val", "test"), three),
        "TRAIN, VALID, TEST": (divided("TRAIN", "VALID", "TEST", column="Split"), three),
        "train, eval, test": (divided("train", "eval", "test"), three),
        "train, holdout": (divided("train", "train", "holdout"), held_out),
        "training_set, test_set": (divided("training_set", "training_set", "test_set"), held_out),
        "column set": (divided("train", "val", "test", column="set"), three),
        "column dataset": (divided("train", "dev", "test", column="dataset"), three),
        "is_valid": (divided("False", "False", "True", column="is_valid"), validated),
        "is_train 0/1": (divided(1, 1, 0, column="is_train"), held_out),
        "unlabeled rows": (divided("train", "test", "unlabeled"), right(splits={"train": 40, "validation": 0, "test": 40}, n_unlabelled=40)),
        "split 0/1/2": (divided(0, 1, 2), refused("'split'", "data.csv row 1", "train", "--split")),
        "an unknown word": (divided("train", "gold", "test"), refused("data.csv row 41", "gold", "--split")),
        "fold numbers": (divided(0, 1, 2, column="fold"), right("fold", splits=None)),
        "--split COLUMN": (divided("train", "train", "test", column="how used", split="how used"), held_out),
        "--split none": (divided("a", "b", "c", split="none"), right(splits=None)),
        "--split of no words": (divided("a", "b", "c", column="part", split="part"), refused("row 1", "'a'", "train")),
        "a column set of other words": (divided("imdb", "yelp", "amazon", column="dataset"), right(splits=None)),
    }  # fmt: skip
    return [
        LabelledCase(name=f"split: {name}", make=make, options=options, expected=expected)
        for name, ((make, options), expected) in kinds.items()
    ]


def _tables() -> list[LabelledCase]:
    """Tables of spreadsheets, and folders of tables."""
    dates = [f"2026-0{i % 9 + 1}-{i % 28 + 1:02d} 10:00:00 UTC" for i in range(N)]

    def dated(folder: Path) -> Path:
        rows = [(text, topic, dates[i]) for i, (text, topic) in enumerate(messages(N))]
        return write_csv(folder / "data.csv", ["text", "topic", "when"], rows)

    def parts(folder: Path) -> Path:
        for name, rows in zip(
            ("train", "valid", "test"), (messages(N)[:80], messages(N)[80:100], messages(N)[100:]), strict=True
        ):
            write_csv(folder / f"{name}.csv", ["text", "topic"], rows)
        return folder

    def two(folder: Path) -> Path:
        for name in ("north", "south"):
            write_csv(folder / f"{name}.csv", ["text", "topic"], messages(N))
        return folder

    def parts_apart(folder: Path) -> Path:
        write_csv(folder / "train.csv", ["text", "topic"], messages(N)[:80])
        write_csv(folder / "test.csv", ["message", "topic"], messages(N)[80:])
        return folder

    def tasks(folder: Path) -> Path:
        made = [
            {"id": i, "data": {"text": text}, "annotations": [{"result": [
                {"from_name": "topic", "type": "choices", "value": {"choices": [topic]}}]}]}
            for i, (text, topic) in enumerate(messages(N))
        ]  # fmt: skip
        path = folder / "export.json"
        path.write_text(json.dumps(made))
        return path

    plain: Callable[[int, str], str] = lambda _, topic: topic  # noqa: E731
    invisible: Sequence[str] = ("\ufefftext\u200b", "topic\u00a0")
    return [
        LabelledCase(name="sep=;", make=_table(plain, first="sep=;\n", delimiter=";"), expected=right(labels=ALL, n_items=N)),
        LabelledCase(name="dates with UTC", make=dated, options={"time": "when", "target": "topic"}, expected=right(labels=ALL, n_items=N)),
        LabelledCase(name="folder of train, valid, test", make=parts, expected=right(splits={"train": 80, "validation": 20, "test": 20})),
        LabelledCase(name="parts with other columns", make=parts_apart, options={"input": "text", "target": "topic"},
                     expected=refused("test.csv", "'text'")),
        LabelledCase(name="Label Studio's export", make=tasks, expected=right(labels=ALL, n_items=N, task="multiclass")),
        LabelledCase(name="a header alone", make=_table(plain, n=0), expected=refused("data.csv", "no rows")),
        LabelledCase(name="texts within objects", make=_records(lambda i, t: {"text": {"de": f"Nachricht {i}"}, "label": t}),
                     options={"input": "text"}, expected=refused("'text'", "column of its own")),
        LabelledCase(name="folder of two tables", make=two, expected=refused("north.csv", "south.csv")),
        LabelledCase(name="invisible characters in a header", options={"input": "text", "target": "topic"},
                     make=lambda folder: write_csv(folder / "data.csv", invisible, messages(N)), expected=right(labels=ALL)),
        LabelledCase(name="nested other columns", make=_records(lambda i, t: {"label": t, "meta": {"n": i}, "spans": [{"start": 0}]}),
                     expected=right(labels=ALL)),
        LabelledCase(name="duplicate column names", options={"input": "text", "target": "topic"}, expected=refused("two columns", "text"),
                     make=lambda folder: write_csv(folder / "data.csv", ["text", "topic", "text"], [(*row, "x") for row in messages(N)])),
    ]  # fmt: skip
