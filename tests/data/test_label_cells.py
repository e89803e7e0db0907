"""Labels as tools and people write them: several in a cell, within JSON, as numbers of every form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headstart.core.errors import DataError
from headstart.data import load

TOPICS = ("bill", "post", "repair")
SETS = [[TOPICS[i % 3]] if i % 2 else sorted({TOPICS[i % 3], TOPICS[i % 5 % 3]}) for i in range(30)]


def labelled(cells: list[Any], *, column: str = "topics", **options: Any) -> Any:
    texts = [f"a message of some length {i}" for i in range(len(cells))]
    return load({"text": texts, column: cells}, target=column, **options)


def kinds(dataset: Any) -> set[str]:
    return {notice.kind for notice in dataset.notices}


class TestSeveralLabels:
    @pytest.mark.parametrize("separator", [";", "|", "||", ",", ", ", "#", " / ", "+", " & ", "\n"])
    def test_any_separator_whose_parts_come_back(self, separator):
        dataset = labelled([separator.join(one) for one in SETS])
        assert (dataset.task, dataset.labels) == ("multilabel", TOPICS)
        assert dataset.targets.sum(axis=1).tolist() == [len(one) for one in SETS]

    def test_spaces_are_asked_about(self):
        cells = [" ".join(one) for one in SETS]
        asked = labelled(cells)
        assert asked.task == "multiclass"
        assert any("--task multilabel" in notice.message for notice in asked.notices)
        assert labelled(cells, task="multilabel").labels == TOPICS

    @pytest.mark.parametrize(
        "names",
        [
            ("Card, prepaid", "Loan, payday", "Debt"),
            ("very good", "good", "bad"),
            ("Doe, Ann", "Doe, Bob", "Roe, Ann", "Roe, Bob"),
            ("AC/DC", "Abba", "Sting"),
            ("Q&A", "news", "R&B"),
        ],
    )
    def test_names_with_a_separator_stay_whole(self, names):
        dataset = labelled([names[i % len(names)] for i in range(24)])
        assert (dataset.task, dataset.labels) == ("multiclass", tuple(sorted(names)))


class TestNested:
    @pytest.mark.parametrize(
        "write",
        [
            lambda one: {"choices": one},
            lambda one: json.dumps({"choices": one}),
            lambda one: one[0] if len(one) == 1 else json.dumps({"choices": one}),
            lambda one: [{"name": label} for label in one],
            json.dumps,
            repr,
            tuple,
            lambda one: f"{{{','.join(one)}}}",
            lambda one: {"value": {"labels": one}},
        ],
    )
    def test_several(self, write):
        dataset = labelled([write(one) for one in SETS])
        assert (dataset.task, dataset.labels) == ("multilabel", TOPICS)
        assert dataset.targets.sum(axis=1).tolist() == [len(one) for one in SETS]

    @pytest.mark.parametrize(
        "write", [lambda t: {"name": t}, lambda t: {"choices": [t]}, lambda t: [t], lambda t: f'["{t}"]']
    )
    def test_one_each_is_a_class(self, write):
        dataset = labelled([write(TOPICS[i % 3]) for i in range(30)])
        assert (dataset.task, dataset.labels) == ("multiclass", TOPICS)

    def test_keys_that_differ_may_be_the_labels(self):
        with pytest.raises(DataError, match="row 2: column 'topics' holds .*no label is found"):
            labelled([{TOPICS[i % 3]: 1} for i in range(30)])

    def test_what_holds_no_label_is_named(self):
        with pytest.raises(DataError, match=r"row 1: column 'topics' holds \{.*no label is found.*choices"):
            labelled([{"start": i, "end": i + 1} for i in range(30)])

    def test_a_bracket_may_be_part_of_a_name(self):
        assert labelled(["[draft", "final]", "{x}: y"] * 8).labels == ("[draft", "final]", "{x}: y")


class TestNumbers:
    @pytest.mark.parametrize(
        "write",
        [
            "{:,.2f}",
            "${:,.2f}",
            "EUR {:,.2f}",
            "{:,.2f} USD",
            "\u00a3{:.2f}",
            "{:.2f} kg",
            "{:.2f}",
        ],
    )
    def test_with_a_decimal_point(self, write):
        values = [900.5 + 123.25 * i for i in range(30)]
        dataset = labelled([write.format(value) for value in values])
        assert dataset.task == "regression"
        assert dataset.targets[:, 0].tolist() == values

    @pytest.mark.parametrize("write", ["{}", "{} \u20ac", "CHF {}"])
    @pytest.mark.parametrize("thousands", [".", " ", "\u202f", "\u2019"])
    def test_with_a_decimal_comma(self, write, thousands):
        values = [900.5 + 123.25 * i for i in range(30)]
        cells = [
            write.format(f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", thousands))
            for value in values
        ]
        dataset = labelled(cells)
        assert dataset.targets[:, 0].tolist() == values
        assert any("decimal comma" in notice.message for notice in dataset.notices)

    def test_percent_and_below_zero(self):
        dataset = labelled([f"({i}.5)" if i % 2 else f"\u2212{i}.25" for i in range(1, 31)])
        assert dataset.targets.max() < 0
        assert labelled([f"{i / 4} %" for i in range(30)]).task == "regression"

    def test_whole_thousands(self):
        assert labelled([f"{1000 + 37 * i:,}" for i in range(30)]).targets.min() == 1000

    def test_thousands_and_millions_in_letters(self):
        dataset = labelled([f"{i + 1.5}k" if i % 2 else f"{i + 1.5}M" for i in range(30)])
        assert dataset.targets[:2, 0].tolist() == [1.5e6, 2.5e3]

    def test_few_prices_are_numbers(self):
        assert labelled([f"${(5, 10, 15)[i % 3]}" for i in range(30)]).task == "regression"

    def test_in_india(self):
        assert labelled([f"\u20b9 {i + 1},23,456" for i in range(30)]).targets[0, 0] == 123456

    def test_a_point_that_may_separate_thousands(self):
        notices = labelled([f"{i + 1}.250" for i in range(30)]).notices
        assert any("if it separates thousands, write 1250" in notice.message for notice in notices)

    @pytest.mark.parametrize("write", ["~{}.5", "{}-99", "{}/7", "{} to 9"])
    def test_what_looks_like_numbers_and_is_none(self, write):
        with pytest.raises(
            DataError, match=r"row 1: column 'topics' holds '.*', one of 30 values that look like numbers.*1234.5"
        ):
            labelled([write.format(i) for i in range(30)])

    def test_a_word_among_prices(self):
        with pytest.raises(DataError, match=r"row 8: column 'topics' holds 'on request'.*1234.5.*blank"):
            labelled(["on request" if i == 7 else f"${i}.50" for i in range(30)])

    def test_two_units(self):
        with pytest.raises(DataError, match=r"more than one unit: '1000 g' .* and '2 kg'"):
            labelled([f"{i + 1} kg" if i % 2 else f"{1000 * (i + 1)} g" for i in range(30)])

    @pytest.mark.parametrize(
        "names",
        [
            [f"{i}A" if i % 3 else f"{i}B" for i in range(1, 13)],
            ["1st", "2nd", "3rd"],
            ["Q1", "Q2", "Q3"],
            ["16 oz", "12 oz", "8 oz"],
            ["2024-01-31", "2024-02-29"],
            ["room 101", "room 102"],
        ],
    )
    def test_names_with_figures_are_classes(self, names):
        assert labelled([names[i % len(names)] for i in range(48)]).task in ("binary", "multiclass")


class TestCodes:
    def test_from_zero_without_a_gap(self):
        dataset = labelled([i % 30 for i in range(90)], column="y")
        assert (dataset.task, len(dataset.labels)) == ("multiclass", 30)

    def test_of_a_column_called_like_a_class(self):
        assert labelled([100 + 7 * (i % 30) for i in range(90)], column="category_id").task == "multiclass"

    @pytest.mark.parametrize("column", ["age", "price", "n_days"])
    def test_of_a_column_called_like_a_quantity(self, column):
        assert labelled([i % 30 for i in range(90)], column=column).task == "regression"

    def test_numbers_that_do_not_come_back(self):
        assert labelled(list(range(40)), column="y").task == "regression"
