"""Tests of `streaming/windows/aggregate.py` and `sketch.py`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headstart.streaming.windows.aggregate import Aggregate, Observed
from headstart.streaming.windows.sketch import ACCURACY, Sketch

NUMBERS = some.floats(-1e300, 1e300, allow_nan=False).map(lambda x: x if abs(x) > 1e-9 else 0.0)
OBSERVED = some.builds(
    Observed,
    is_dead=some.booleans(),
    labels=some.lists(some.sampled_from("abc"), max_size=2).map(tuple),
    score=some.none() | some.floats(0, 1),
    is_anomaly=some.booleans(),
    is_correct=some.none() | some.booleans(),
    delay_s=some.none() | some.floats(0, 1e6),
)


@settings(max_examples=50, deadline=None)
@given(values=some.lists(NUMBERS, min_size=1), q=some.floats(0, 1))
def test_a_quantile_is_right_to_one_percent(values, q):
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    exact = float(np.quantile(values, q, method="lower"))
    ranks = np.sort(values)
    below = ranks[min(int(q * (len(values) - 1)), len(values) - 1)]
    near = [abs(sketch.quantile(q) - one) <= ACCURACY * abs(one) * (1 + 1e-6) + 1e-12 for one in (exact, below)]
    assert any(near)


def test_an_empty_sketch_has_no_quantile():
    assert Sketch().quantile(0.5) is None


@settings(max_examples=30, deadline=None)
@given(many=some.lists(OBSERVED, max_size=20), cut=some.integers(0, 20))
def test_parts_merge_to_the_whole_in_any_order_and_survive_json(many, cut):
    whole = Aggregate()
    for one in many:
        whole.add(one)
    parts = Aggregate(), Aggregate()
    for number, one in enumerate(reversed(many)):
        parts[number < cut].add(one)
    merged = Aggregate.from_json(parts[0].to_json())
    merged.merge(parts[1])
    assert merged == whole
    assert merged.row(60) == whole.row(60)


def test_rows_say_shares_of_what_is_there():
    one = Aggregate()
    one.add(Observed(labels=("a",), score=0.9, is_correct=True, delay_s=60.0))
    one.add(Observed(labels=("b",), score=0.7, is_anomaly=True, is_correct=False))
    one.add(Observed(is_dead=True, is_anomaly=True))
    row = one.row(60)
    assert (row["n"], row["n_dead"], row["rate_per_s"], row["anomaly_rate"]) == (3, 1, 0.05, 2 / 3)
    assert row["score_mean"] == pytest.approx(0.8)
    assert row["accuracy"] == 0.5
    assert row["label_delay_p50_s"] == pytest.approx(60, rel=0.01)
    assert [(r["label"], r["n"], r["share"]) for r in one.class_rows(60)] == [("a", 1, 0.5), ("b", 1, 0.5)]
    assert Aggregate().row(60)["accuracy"] is None
