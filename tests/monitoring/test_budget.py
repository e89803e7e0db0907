"""Tests of `monitoring/budget.py`."""

from __future__ import annotations

import pytest

from headstart.core.errors import OptionError
from headstart.monitoring.budget import FalseAlarms


@pytest.mark.parametrize(
    ("text", "rate", "records"),
    [
        ("1/720000", None, 720_000),
        ("2 in 1,000 records", None, 500),
        ("1 per day", "1000 per hour", 24_000),
        ("once a week", "1 per second", 604_800),
        ("every month", "1000 records per hour", 730_500),
    ],
)
def test_a_budget_is_records_for_one_false_alarm(text: str, rate: str | None, records: float) -> None:
    assert FalseAlarms.parse(text, rate).records == pytest.approx(records)


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("seldom", None, "is no budget"),
        ("1 per month", None, "--rate"),
        ("1 per month", "many", "is no rate"),
        ("1/5", None, "at least 10"),
        ("0/1000", None, "no false alarm at all"),
        ("0 per month", "1000 per hour", "no false alarm at all"),
        ("1/" + "9" * 400, None, "rarer than can be counted"),
        ("1 per month", "0 per hour", "is no rate"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, rate: str | None, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        FalseAlarms.parse(text, rate)
