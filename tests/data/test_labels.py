"""Labels: which spellings are one, which words are none, of which type they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import write_photo

from headstart.core.errors import DataError
from headstart.core.label_rule import LabelRule
from headstart.data import load
from headstart.data.labels import typed_labels
from headstart.data.missing_labels import find_missing

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import Dataset


def read(cells: list[Any], **options: Any) -> Dataset:
    """A dataset of as many texts, each label five times."""
    cells = cells * 5
    return load({"text": [f"message {i}" for i in range(len(cells))], "label": cells}, target="label", **options)


def read_csv(folder: Path, cells: list[str], **options: Any) -> Dataset:
    """The same from a file, whose cells have no types."""
    rows = "".join(f"message {i},{label}\n" for i, label in enumerate(cells * 5))
    (folder / "t.csv").write_text("text,label\n" + rows)
    return load(folder / "t.csv", target="label", **options)


def kinds(dataset: Dataset) -> set[str]:
    return {notice.kind for notice in dataset.notices}


def said(dataset: Dataset, kind: str) -> list[str]:
    return [notice.message for notice in dataset.notices if notice.kind == kind]


class TestSpellings:
    @pytest.mark.parametrize(
        ("labels", "names"),
        [
            (["0", "1", "0", "0.0", "1.0", "1"], ("0", "1")),
            ([0, 1, 0.0, 1.0, "0", "1"], ("0", "1")),
            (["True", "False", "True", "TRUE", "false", "False"], ("False", "True")),
            (["kiwi", "plum", "kiwi", "Kiwi ", "\u200bplum", "plum"], ("kiwi", "plum")),
            (["Kaf\u00e9", "tea", "Kaf\u00e9", "Kafe\u0301", "tea"], ("Kaf\u00e9", "tea")),
        ],
    )
    def test_join_by_one_rule_with_a_notice(self, labels: list[Any], names: tuple[str, ...]) -> None:
        dataset = read(labels)
        assert dataset.labels == names
        if any(isinstance(label, str) for label in labels):
            assert "label-spelling" in kinds(dataset) or labels[0] == 0

    @pytest.mark.parametrize(
        "labels", [["1", "01"], ["1.5", "1.50"], ["1", "True"], ["+1", "1"], ["a b", "ab"], ["1.0.0", "1"]]
    )
    def test_what_stays_apart(self, labels: list[str]) -> None:
        assert len(read(labels, task="multiclass").labels) == 2

    def test_letter_case_counts_if_it_is_kept(self, tmp_path: Path) -> None:
        joined = read(["a", "A", "b"])
        assert joined.labels == ("A", "b")
        assert "--keep-case (keep_case=True)" in said(joined, "label-spelling")[0]
        kept = read(["a", "A", "b", " A"], keep_case=True)
        assert (kept.labels, kept.label_rule.keep_case) == (("A", "a", "b"), True)
        with pytest.raises(DataError, match=r"has one class, 'A'.*'a', 'A' are one label.*--keep-case"):
            read(["a", "A"])
        for number in range(6):
            write_photo(tmp_path / ("a", "A")[number % 2] / f"{number}.png")
        assert load(tmp_path, keep_case=True).labels == ("A", "a")

    @given(rows=st.lists(st.sampled_from(["yes", "no"]), min_size=8, max_size=20), seed=st.integers(0, 999))
    def test_a_model_finds_its_labels_however_they_are_written(self, rows: list[str], seed: int) -> None:
        spell = (str.upper, str.title, "{} ".format, str)
        rng = np.random.default_rng(seed)
        written = [spell[rng.integers(4)](row) for row in rows]
        dataset = load(([f"m {i}" for i in range(len(rows))], written), task="multiclass", labels=("no", "yes"))
        assert [dataset.labels[code] for code in dataset.codes] == rows


class TestMissing:
    @pytest.mark.parametrize("word", ["NA", "null", "None", "N/A"])
    def test_a_class_may_be_called_like_nothing(self, word: str, tmp_path: Path) -> None:
        dataset = read_csv(tmp_path, [word, "DE", "FR"])
        assert set(dataset.labels) == {word, "DE", "FR"}
        [message] = said(dataset, "missing-word")
        assert message.startswith(f"'{word}' (5 rows) in 'label' is taken as a label like any other")
        assert f"use --missing {word} (missing='{word}')" in message

    @pytest.mark.parametrize(
        ("labels", "options", "n_unlabelled"),
        [
            (["NA", "DE", "FR", ""], {}, 5),
            (["NA", "DE", "FR", "NaN"], {}, 5),
            (["NA", "1", "2"], {}, 5),
            (["null", "1.5", "2.25", "7"], {}, 5),
            (["None", "True", "False"], {}, 5),
            (["NA", "DE", "FR", "?"], {"missing": "na,?"}, 10),
            (["NA", "DE", "FR", "nan"], {"missing": ""}, 0),
            (["1", "2", "-1"], {"missing": ["-1"]}, 5),
        ],
    )
    def test_words_are_none_among_numbers_or_if_the_user_says_so(
        self, labels: list[str], options: dict[str, Any], n_unlabelled: int, tmp_path: Path
    ) -> None:
        assert len(read_csv(tmp_path, labels, **options).unlabelled) == n_unlabelled

    def test_numbers_of_a_frame_may_mean_none(self) -> None:
        assert read([1, 2, -1], missing="-1").labels == ("1", "2")

    def test_what_was_read_as_none_is_said_with_the_way_back(self, tmp_path: Path) -> None:
        dataset = read_csv(tmp_path, ["NA", "1", "2"])
        assert said(dataset, "unlabelled")[0].endswith(
            "the first t.csv row 1; 'NA' would be a label with --missing ''."
        )

    def test_a_word_that_a_model_knows_is_a_label(self) -> None:
        assert find_missing(["NA", "NA"], None, "country")[0].all()
        assert find_missing(["$1,200.50", "NA", "$7.25"], None, "price")[0].tolist() == [False, True, False]
        assert not find_missing(["NA", "NA"], None, "country", ["DE", "NA"])[0].any()

    def test_nothing_within_a_list_is_no_label(self) -> None:
        assert read([["a", None], ["b", float("nan")], ["a", "b", ""]], task="multilabel").labels == ("a", "b")


class TestTypes:
    @pytest.mark.parametrize(
        ("labels", "kind"),
        [([0, 1], "int"), ([0.0, 1.0], "int"), (["0", "1"], "str"), ([True, False], "bool"), ([True, 2], "str"),
         ([0.5, 1], "float"), (np.array([3, 4]).tolist(), "int"), ([np.int8(1), np.int64(2)], "int"),
         ([np.True_, np.False_], "bool"), ([np.float32(1), np.float32(2)], "int"), (["a", 1], "str")],
    )  # fmt: skip
    def test_of_cells_with_types(self, labels: list[Any], kind: str) -> None:
        assert read(labels, task="multiclass").label_rule.type == kind

    @pytest.mark.parametrize(
        ("labels", "kind"),
        [(["0", "1"], "int"), (["0.0", "1.0"], "int"), (["01", "02"], "str"), (["TRUE", "false"], "bool"),
         (["1.5", "2"], "float"), (["yes", "no"], "str"), (["1", "a"], "str")],
    )  # fmt: skip
    def test_of_a_file_without_types_as_pandas_reads_it(self, labels: list[str], kind: str, tmp_path: Path) -> None:
        assert read_csv(tmp_path, labels, task="multiclass").label_rule.type == kind

    @pytest.mark.parametrize(
        ("kind", "names", "values"),
        [("int", ["1.0", "2"], [1, 2]), ("bool", ["True", "FALSE"], [True, False]), ("float", ["1.5"], [1.5]),
         ("str", ["1"], ["1"]), ("int", [("1", "2"), ()], [(1, 2), ()])],
    )  # fmt: skip
    def test_names_become_values_again(self, kind: Any, names: list[Any], values: list[Any]) -> None:
        found = typed_labels(names, LabelRule(type=kind))
        assert found == values
        assert [type(one) for one in found] == [type(one) for one in values]

    def test_an_unknown_type_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not 'text'"):
            LabelRule(type="text")  # type: ignore[arg-type]


class TestOfAModel:
    def test_labels_that_it_does_not_know_come_last_and_are_named(self) -> None:
        dataset = read(["plum", "KIWI", "lime"], labels=("kiwi", "pear", "plum"))
        assert dataset.labels == ("kiwi", "pear", "plum", "lime")
        assert dataset.targets[:3].argmax(axis=1).tolist() == [2, 0, 3]
        [message] = said(dataset, "unseen-label")
        assert message.startswith("5 items have the label 'lime', which the model was not trained on")
        assert (
            "the first the data row 3: counted as wrong; means over labels are over those that it knows, 'kiwi', 'pear', 'plum'."
            in message
        )

    def test_labels_of_a_model_that_had_no_rule_stay_apart(self) -> None:
        dataset = read(["0", "0.0", "1"], task="multiclass", labels=("0", "0.0", "1"))
        assert dataset.targets[:3].argmax(axis=1).tolist() == [0, 1, 2]

    def test_one_class_is_enough(self) -> None:
        assert read(["plum"], labels=("kiwi", "plum")).targets[:, 1].all()

    def test_none_that_it_knows_is_refused(self) -> None:
        with pytest.raises(
            DataError, match="'label' has none of the labels that the model knows: 'no', 'yes'. It holds '0', '1'"
        ):
            read([0, 1], labels=("no", "yes"))

    def test_columns_of_zero_and_one(self) -> None:
        data = {
            "text": ["a b", "c d", "e f"],
            "water": [1, 1, 1],
            "FIRE": [0, 1, 0],
            "ice": [1, 0, 0],
            "air": [0, 0, 0],
        }
        dataset = load(data, target="water,FIRE,ice,air", labels=("fire", "food", "water"))
        assert dataset.labels == ("fire", "food", "water", "ice")
        assert dataset.targets.tolist() == [[0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0]]

    def test_folders(self, tmp_path: Path) -> None:
        for name in ("KIWI", "new"):
            write_photo(tmp_path / name / "0.png")
        dataset = load(tmp_path, labels=("kiwi", "plum"))
        assert dataset.labels == ("kiwi", "plum", "new")
        assert "unseen-label" in kinds(dataset)


def test_a_blank_cell_makes_no_fractions_of_whole_numbers(tmp_path):
    """What pandas writes of a column of integers with one that is missing: 0.0, 1.0 and nothing."""
    path = tmp_path / "gap.csv"
    pd.DataFrame({"text": [f"message {i}" for i in range(30)], "label": [None, *[i % 3 for i in range(29)]]}).to_csv(
        path
    )
    dataset = load(path)
    assert (dataset.labels, dataset.label_rule.type, len(dataset.unlabelled)) == (("0", "1", "2"), "int", 1)
    texts = {"text": [f"message {i}" for i in range(30)], "version": ["1.0", "2.0", "3.0"] * 10}
    assert load(texts).labels == ("1.0", "2.0", "3.0")  # texts stay as they are
