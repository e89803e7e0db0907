"""Columns and folders that divide data: read, or refused by name, never passed over without a word."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.core.errors import DataError, OptionError
from headstart.data import load
from headstart.data.splits import part_of, parts_in

N = 30


def data(*words: Any, column: str = "split") -> dict[str, list[Any]]:
    """Thirty rows, ten for each word."""
    return {
        "text": [f"a message of some length {i}" for i in range(N)],
        "topic": ["xy"[i % 2] for i in range(N)],
        column: [words[min(i // 10, len(words) - 1)] for i in range(N)],
    }


def parts(dataset: Any) -> tuple[int, int, int] | None:
    if dataset.splits is None:
        return None
    train, validation, test = (int((dataset.splits == part).sum()) for part in ("train", "validation", "test"))
    return train, validation, test


@pytest.mark.parametrize(
    ("words", "column", "expected"),
    [
        (("train", "val", "test"), "split", (10, 10, 10)),
        (("TRAIN", "Valid ", "TEST"), "Split", (10, 10, 10)),
        (("train", "eval", "holdout"), "split", (10, 10, 10)),
        (("training_set", "dev-set", "held out"), "subset", (10, 10, 10)),
        (("train", "validation", "test"), "how it is used", (10, 10, 10)),
        ((1, 1, 0), "is_train", (20, 0, 10)),
        ((False, False, True), "is_test", (20, 0, 10)),
        (("no", "no", "yes"), "isValid", (20, 10, 0)),
        ((False, False, True), "holdout", (20, 0, 10)),
        (("trainset", "devset", "testset"), "subset", (10, 10, 10)),
        (("Training", "PublicTest", "PrivateTest"), "Usage", (10, 0, 20)),
        (("imdb", "yelp", "amazon"), "dataset", None),
        (("no", "no", "yes"), "is_urgent", None),
    ],
)
def test_words_of_others_are_read(words, column, expected):
    assert parts(load(data(*words, column=column), target="topic")) == expected


@pytest.mark.parametrize("words", [(0, 1, 2), ("train", "gold", "test"), ("a", "b", "c")])
def test_an_unknown_word_stops(words):
    with pytest.raises(DataError, match=r"row \d+: column 'split' holds .*'train', 'validation', 'test'.*--split none"):
        load(data(*words), target="topic")


def test_unlabeled_rows_are_kept_apart():
    dataset = load(data("train", "test", "unlabeled"), target="topic")
    assert parts(dataset) == (10, 0, 10)
    assert len(dataset.unlabelled) == 10


@pytest.mark.parametrize(
    ("column", "words"),
    [("fold", (0, 1, 2)), ("partition", ("A", "B")), ("phase", ("tr", "te")), ("test", (0, 1)), ("cv", (3, 4))],
)
def test_what_may_divide_and_is_not_understood_is_said(column, words):
    dataset = load(data(*words, column=column), target="topic")
    assert dataset.splits is None
    assert any(notice.kind == "unused-split" and "--split" in notice.message for notice in dataset.notices)
    unasked = load(data(*words, column=column), target="topic", split="none")
    assert not any(notice.kind == "unused-split" for notice in unasked.notices)


def test_a_division_without_training_is_said():
    notices = load(data("test", "test"), target="topic").notices
    assert any("no row is for training" in notice.message for notice in notices)


class TestNamedByTheUser:
    def test_any_column(self):
        assert parts(load(data("train", "train", "test", column="part of"), target="topic", split="part of")) == (
            20,
            0,
            10,
        )

    def test_none(self):
        assert load(data("a", "b", "c"), target="topic", split="none").splits is None

    def test_beside_a_pair(self):
        columns = data("train", "train", "test")
        assert parts(load((columns["text"], columns["topic"]), split=columns["split"])) == (20, 0, 10)

    def test_no_such_column(self):
        with pytest.raises(OptionError, match=r"--split\) named 'spilt'. Did you mean 'split'"):
            load(data("train", "test"), target="topic", split="spilt")

    def test_other_words(self):
        with pytest.raises(DataError, match=r"row 1: column 'kind' holds 'a', 'b', 'c'"):
            load(data("a", "b", "c", column="kind"), target="topic", split="kind")


def test_a_switch_may_be_the_target():
    columns = data("no", "yes", column="is_valid")
    del columns["topic"]
    assert load(columns).columns["target"] == "is_valid"


def test_a_part_may_be_a_word_of_a_name():
    assert [part_of(name) for name in ("train_images", "test-photos", "images_val", "training data")] == [
        *("train", "test", "validation", "train")
    ]
    assert [part_of(name) for name in ("trainers", "test tube", "kiwi", "")] == [None] * 4
    assert parts_in("tickets-2026-train") == "train"
    assert parts_in("sample_submission") is None
