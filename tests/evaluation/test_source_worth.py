"""How many rows of the target a source was worth."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.evaluation.source_worth import monotone, source_worth

CURVE = [{"n_items": n, "value": v} for n, v in ((25, 0.6), (100, 0.7), (400, 0.8))]


def test_it_is_read_off_the_curve_in_logarithms():
    worth = source_worth(CURVE, 0.75, n_given=100)
    assert (worth.n_rows, worth.bound) == (200, "about")
    assert "about 200 rows" in worth.sentence


def test_outside_the_measured_range_it_is_a_bound():
    assert source_worth(CURVE, 0.9, n_given=100).bound == "at least"
    assert "more than 400 rows of the target would be needed" in source_worth(CURVE, 0.9, n_given=100).sentence
    assert source_worth(CURVE, 0.5, n_given=100).bound == "at most"
    assert "no rows" in source_worth(CURVE, 0.5, n_given=100).sentence


def test_a_harmful_source_was_worth_no_rows():
    assert "worth no rows" in source_worth(CURVE, 0.65, n_given=100).sentence


def test_losses_fall():
    losses = [{"n_items": n, "value": v} for n, v in ((25, 0.6), (100, 0.5))]
    assert source_worth(losses, 0.55, n_given=25, higher_is_better=False).n_rows == 50


def test_without_a_curve_it_is_not_known():
    worth = source_worth([{"n_items": 9, "value": float("nan")}], 0.7, n_given=9)
    assert worth.bound == "unknown"
    assert "not known" in worth.sentence


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_monotone_curve_keeps_the_mean(values):
    found = monotone(np.array(values))
    assert (np.diff(found) >= -1e-12).all()
    np.testing.assert_allclose(found.mean(), np.mean(values))
