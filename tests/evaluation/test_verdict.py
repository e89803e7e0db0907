"""The verdict follows the interval of the gain over the best baseline, and says what is packed."""

import pytest

from headstart.core.report import BaselineResult, Score
from headstart.core.tasks import get_task
from headstart.engines.energy import cpu_seconds, energy_wh
from headstart.evaluation.verdict import amount_of, judge
from headstart.reporting import wording


def baseline(name, value, low, high, unit="fraction", metric="accuracy"):
    return BaselineResult(
        name=name,
        score=Score(name=metric, value=0.5, low=0.4, high=0.6, unit=unit, n=100),
        gain=Score(name=f"gain in {metric}", value=value, low=low, high=high, unit=unit, n=100),
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.1, 0.05, 0.15, "transfer helps"),
        (0.02, -0.01, 0.05, "no significant gain"),
        (-0.02, -0.05, 0.01, "no significant gain"),
        (-0.1, -0.15, -0.05, "transfer hurts"),
        (0.0, 0.0, 0.0, "no significant gain"),
    ],
)
def test_verdict(value, low, high, verdict):
    found = judge([baseline("constant", 0.4, 0.3, 0.5), baseline("tfidf", value, low, high)])
    assert (found.verdict, found.baseline) == (verdict, "tfidf")
    assert found.gain.value == value
    assert "tfidf" in found.sentence


METRICS = {
    metric.name: metric for task in ("multiclass", "multilabel", "regression") for metric in get_task(task).metrics
}


@pytest.mark.parametrize(
    "metric", [one for one in METRICS.values() if one.unit == "fraction"], ids=lambda one: one.name
)
@pytest.mark.parametrize("value", [0.123, 0.0004, -0.031])
def test_page_and_sentence_say_a_gain_in_one_unit(metric, value):
    gain = Score(name=f"gain in {metric.name}", value=value, low=value, high=value, unit=metric.unit)
    assert amount_of(gain) == f"{wording.amount(gain, signed=True).lstrip('+-')} points"
    assert wording.unit(gain) == f"points of {metric.name}"
    assert (
        wording.amount(Score(name=metric.name, value=0.5, low=0.4, high=0.6, unit=metric.unit))
        == "50.0\N{NO-BREAK SPACE}%"
    )


def test_sentence_reads_well():
    found = judge([baseline("tfidf", 0.123, 0.051, 0.195)])
    assert found.sentence == "Transfer helps: 12.3 points better in accuracy than the best baseline, tfidf."
    euros = judge([baseline("tfidf", 12.0, 3.0, 21.0, "target", "MAE")], unit="euro")
    assert "12 euro better in MAE" in euros.sentence


def test_an_end_close_to_zero_keeps_its_side():
    found = judge([baseline("tfidf", -0.02, -0.054, 0.0004)])
    assert "(95 % interval -5.4 to +0.04 points)" in found.sentence


def test_without_baselines_nothing_is_proven():
    found = judge([])
    assert (found.verdict, found.baseline, found.gain) == ("not proven", None, None)


def test_energy_grows_with_the_work():
    assert energy_wh(7200) == pytest.approx(20)
    assert cpu_seconds() > 0
