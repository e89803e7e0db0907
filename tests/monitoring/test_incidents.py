"""Alarms of one change are one incident, which ends when the records look as they did; there are never more incidents than alarms."""

import numpy as np
import pytest
from tiny_watch import draw, features_of, reference

from headstart.monitoring import FalseAlarms, Monitor, state
from headstart.monitoring.incidents import QUIET_RECORDS

STEP = 50


def follow(monitor, n, *, labelled=False, scale=1.0, **how):
    items, outputs, labels = draw(n, **how)
    for item in items:
        item["pay"] *= scale
    for start in range(0, n, STEP):
        part, first = slice(start, start + STEP), monitor.n_records
        monitor.observe(None, items[part], outputs[part])
        if labelled:
            monitor.label([str(first + i + 1) for i in range(len(items[part]))], labels[part])


def new(budget="1/10000", seed=0, **how):
    return Monitor(reference(seed=seed), FalseAlarms.parse(budget), **how)


@pytest.fixture(scope="module")
def faulty():
    monitor = new(features_of=features_of)
    follow(monitor, 600, seed=1, labelled=True)
    follow(monitor, 1_500, seed=2, shift=1.0, flipped=0.2, labelled=True)
    return monitor


def test_many_alarms_of_one_fault_are_one_incident(faulty) -> None:
    assert faulty.n_alarms > 10
    (incident,) = faulty.incidents.kept
    assert incident.n_alarms == faulty.n_alarms >= sum(one.n_alarms for one in incident.named)
    assert incident.opened == faulty.alarms[0]
    assert [one.weight for one in incident.named] == sorted((one.weight for one in incident.named), reverse=True)
    assert len({one.alarm.group for one in incident.named}) >= 2
    verdict = faulty.verdict()
    assert (verdict.status, verdict.exit_code) == ("alarm", 3)
    assert verdict.sentence == incident.sentence
    assert " Also: " in incident.sentence


def test_that_errors_rise_too_is_news(faulty) -> None:
    (incident,) = faulty.incidents.kept
    assert incident.phases == ("opened", "hurts")
    assert incident.told_of(["opened"]).news == ("hurts",)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_it_is_over_when_the_records_look_as_they_did(shift) -> None:
    monitor = new()
    follow(monitor, 500, seed=3)
    follow(monitor, 1_000, seed=4, shift=shift)
    assert monitor.verdict().exit_code == 3
    follow(monitor, QUIET_RECORDS - 200, seed=5)
    assert monitor.incidents.open
    follow(monitor, 700, seed=6)
    (incident,) = monitor.incidents.kept
    assert incident.has_returned
    assert 1_500 + QUIET_RECORDS - 200 <= incident.ended_record <= 1_500 + QUIET_RECORDS + 400
    verdict = monitor.verdict()
    assert (verdict.status, verdict.exit_code) == ("steady", 0)
    assert "No incident is open" in verdict.sentence
    assert monitor.verdict(news_after=0).exit_code == 3  # who looks once a day has not heard of it


def test_the_return_itself_opens_nothing() -> None:
    monitor = new()
    follow(monitor, 500, seed=7)
    follow(monitor, 1_500, seed=8, shift=1.0)
    follow(monitor, QUIET_RECORDS + 400, seed=9)
    n_alarms = monitor.n_alarms
    follow(monitor, 3_000, seed=10)
    assert monitor.n_alarms > n_alarms  # ranks hold the changed records
    assert monitor.incidents.n == 1
    follow(monitor, 300, seed=11, shift=-1.0)  # and a fault of the same number is found again
    assert monitor.incidents.n == 2
    assert monitor.verdict().exit_code == 3


def test_another_number_later_is_another_incident() -> None:
    monitor = new()
    follow(monitor, 500, seed=12)
    follow(monitor, 2_000, seed=13, shift=0.8)
    assert monitor.incidents.n == 1
    follow(monitor, 500, seed=14, shift=0.8, scale=5.0)
    assert monitor.incidents.n == 2
    assert monitor.incidents.kept[-1].opened.name == "pay"
    assert "1 more incident" in monitor.verdict().sentence


def test_what_a_person_knows_of_alarms_no_more_but_anything_else_does() -> None:
    monitor = new()
    follow(monitor, 300, seed=15)
    follow(monitor, 600, seed=16, shift=1.0)
    assert monitor.incidents.know("a new price list")
    assert not monitor.incidents.know("again")
    follow(monitor, 300, seed=17, shift=1.0)
    verdict = monitor.verdict()
    assert (verdict.status, verdict.exit_code) == ("steady", 0)
    assert "Known is: a new price list" in verdict.sentence
    follow(monitor, 300, seed=18, shift=1.0, scale=5.0)
    assert monitor.verdict().exit_code == 3
    assert monitor.incidents.kept[-1].opened.name == "pay"


@pytest.mark.parametrize("seed", range(4))
def test_there_are_never_more_incidents_than_alarms_and_none_too_many(seed) -> None:
    monitor = new("1/300", seed=seed, features_of=features_of)
    follow(monitor, 1_500, seed=100 + seed, labelled=True)
    assert monitor.incidents.n <= monitor.n_alarms
    assert sum(one.n_alarms for one in monitor.incidents.kept) == monitor.n_alarms
    assert monitor.incidents.n <= 10  # 5 are expected at most


def test_incidents_are_kept_with_the_state(tmp_path, faulty) -> None:
    state.save(faulty, tmp_path / "watch")
    again = state.load(tmp_path / "watch", features_of=features_of)
    assert list(again.incidents.kept) == list(faulty.incidents.kept)
    assert again.incidents.to_dict() == faulty.incidents.to_dict()
    for monitor in (faulty, again):
        follow(monitor, 200, seed=19, shift=1.0)
    assert list(again.incidents.kept) == list(faulty.incidents.kept)


def test_a_state_of_older_versions_has_incidents_of_its_alarms(tmp_path) -> None:
    monitor = new()
    follow(monitor, 500, seed=20, shift=1.0)
    words = {name: one for name, one in state._words(monitor).items() if name not in ("incidents", "periods", "seal")}
    again = new()
    state._restore(again, words, state._arrays(monitor))
    assert again.incidents.n == 1
    assert again.incidents.kept[0].n_alarms == monitor.n_alarms
    assert np.isfinite(again.evidence)
