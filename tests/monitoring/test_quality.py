"""Tests of `monitoring/quality.py`."""

from __future__ import annotations

from headstart.monitoring.quality import Quality


def test_copies_beyond_the_usual_are_said() -> None:
    quality = Quality(duplicate_share=0.02)
    quality.see([i % 50 for i in range(200)], n_unreadable=0, outside={})
    assert [one.kind for one in quality.breaks()] == ["duplicates"]
    other = Quality(duplicate_share=0.8)
    other.see([i % 50 for i in range(200)], n_unreadable=0, outside={})
    assert other.breaks() == ()


def test_one_copy_among_few_is_nothing() -> None:
    quality = Quality()
    quality.see([1, 2, 3, 3], n_unreadable=0, outside={})
    assert quality.breaks() == ()


def test_values_outside_the_range_are_said() -> None:
    quality = Quality()
    quality.see(list(range(400)), n_unreadable=0, outside={"amount": 380})
    assert "'amount'" in quality.breaks()[0].message


def test_half_of_the_records_unreadable_is_broken() -> None:
    quality = Quality()
    quality.see(list(range(10)), n_unreadable=30, outside={})
    assert quality.breaks()[0].is_broken


def test_silence_is_many_times_the_usual_gap() -> None:
    quality = Quality()
    quality.see_times([float(i) for i in range(100)])
    assert quality.breaks(now=110.0) == ()
    assert quality.breaks(now=300.0)[0].kind == "silence"
    quality.see_times([300.0])
    assert quality.breaks()[0].kind == "silence"
