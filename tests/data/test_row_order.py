"""Rows that are ordered by their label are noticed, and rows in random order are not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from headstart.data import load


def table(labels, **more):
    return {"text": [f"the {i}th parcel of many" for i in range(len(labels))], "label": list(labels), **more}


def ordered(data, **options):
    return [notice.message for notice in load(data, **options).notices if notice.kind == "ordered"]


def test_a_drift_in_the_share_of_a_label_is_noticed():
    rng = np.random.default_rng(0)
    head, rest = (rng.permutation(["positive"] * n + ["negative"] * m) for n, m in ((610, 390), (1560, 1440)))
    (message,) = ordered(table([*head, *rest]))
    assert "rows are not in random order" in message
    found = re.search(r"'positive' is (\d+) % of the first ([\d,]+) and (\d+) % of all 4,000", message)
    assert 58 <= int(found[1]) <= 66
    assert 800 <= int(found[2].replace(",", "")) <= 1300
    assert 53 <= int(found[3]) <= 56


def test_a_sorted_file_is_noticed():
    (message,) = ordered(table(["apple"] * 60 + ["kiwi"] * 60))
    assert "'apple' is 100 % of the first 60 and 50 % of all 120" in message


@pytest.mark.parametrize("seed", range(20))
def test_random_order_is_not(seed):
    labels = np.random.default_rng(seed).choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1])
    assert not ordered(table(labels))


def test_rows_with_parts_of_their_own_few_rows_and_numbers_are_left_alone():
    half = ["apple"] * 60 + ["kiwi"] * 60
    assert not ordered(table(half, split=["train", "test"] * 60))
    assert not ordered(table(half[30:90]))
    assert not ordered(table(np.arange(200) / 7), task="regression", target="label")
