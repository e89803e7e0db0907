"""Tests of `monitoring/quality.py`."""

from __future__ import annotations

from headstart.monitoring.contents import contents_of
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
    quality.gaps.see([float(i) for i in range(100)])
    assert quality.breaks(now=110.0) == ()
    assert quality.breaks(now=300.0)[0].kind == "silence"
    quality.gaps.see([300.0])
    assert quality.breaks()[0].kind == "silence"


def test_pauses_between_batches_are_no_silence() -> None:
    quality = Quality()
    times = [10.0 * batch + 0.0004 * i for batch in range(17) for i in range(64)]
    quality.gaps.see([*times, times[-1] + 50.0])
    assert quality.breaks() == ()
    assert quality.breaks(now=times[-1] + 1000.0)[0].kind == "silence"


def test_a_silence_hides_no_other() -> None:
    quality = Quality()
    quality.gaps.see([float(i) for i in range(100)] + [5_000.0 + i for i in range(100)] + [9_000.0])
    assert "4,901 s" in quality.breaks()[0].message


def test_copies_are_known_by_their_content_in_any_batch_or_by_their_keys() -> None:
    assert contents_of({}, ["a", "b", "a"], (), 3)[::2] == contents_of({}, ["a"], (), 1) * 2
    assert (
        len({*contents_of({}, None, (), 64), *contents_of({}, None, ("", "k"), 2), *contents_of({}, None, ("k",), 1)})
        == 66
    )
    assert contents_of({"x": [1, 1]}, ["a", "b"], (), 2) == contents_of({"x": [1]}, None, (), 1) * 2
