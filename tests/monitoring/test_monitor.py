"""Tests of `monitoring/monitor.py`, `labelling.py`, `ensemble.py`, `sums.py` and `state.py`."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_watch import draw, features_of, reference

from headstart.core.errors import DataError, StorageError
from headstart.monitoring import FalseAlarms, Monitor, state
from headstart.streaming.record import Record

BUDGET = FalseAlarms.parse("1/10000")


def observe(monitor, n, *, size=100, labelled=False, **how):
    """Alarms on drawn records, in batches."""
    items, outputs, labels = draw(n, **how)
    alarms = []
    for start in range(0, n, size):
        part, first = slice(start, start + size), monitor.n_records
        alarms += monitor.observe(None, items[part], outputs[part])
        if labelled:
            names = labels[part]
            alarms += monitor.label([str(first + i + 1) for i in range(len(names))], names)
    return alarms


def test_nothing_is_said_of_records_like_the_reference() -> None:
    monitor = Monitor(reference(), BUDGET, features_of=features_of)
    assert observe(monitor, 1000, seed=1, labelled=True) == []
    verdict = monitor.verdict()
    assert (verdict.status, verdict.exit_code, verdict.n_labels) == ("steady", 0, 1000)
    assert all(change.size != "moved" for change in verdict.changes)


def test_a_column_that_moved_is_named_and_dated_with_examples() -> None:
    monitor = Monitor(reference(), BUDGET)
    observe(monitor, 500, seed=2)
    alarms = observe(monitor, 400, seed=3, shift=1.0)
    assert alarms[0].name in ("age", "probability of yes")
    assert abs(alarms[0].since - 500) < 60
    assert 500 < alarms[0].record < 700
    assert all(int(key) <= alarms[0].record for key in alarms[0].examples)
    verdict = monitor.verdict()
    assert verdict.exit_code == 3
    assert next(one for one in verdict.changes if one.name == "age").size == "moved"
    assert next(one for one in verdict.changes if one.name == "pay").size != "moved"


def test_labels_show_what_records_do_not() -> None:
    monitor = Monitor(reference(), BUDGET)
    observe(monitor, 300, seed=4, labelled=True)
    alarms = observe(monitor, 500, seed=5, flipped=0.3, labelled=True)
    assert {alarm.group for alarm in alarms} == {"labels"}
    accuracy = monitor.verdict().accuracy
    assert accuracy["measured"].high < accuracy["measured"].reference
    assert "previous label" in accuracy


def test_labels_join_late_in_any_order_once() -> None:
    monitor = Monitor(reference(), BUDGET)
    items, outputs, labels = draw(50, seed=6)
    records = [Record(key=f"k{i}", content=None, time=float(i)) for i in range(50)]
    monitor.observe(records, items, outputs)
    monitor.label([f"k{i}" for i in reversed(range(50))], labels[::-1])
    monitor.label(["k3", "never"], ["yes", "no"])
    assert monitor.labelling.n_labels == 50
    assert monitor.labelling.counts["repeated"] == 1
    assert monitor.labelling.counts["unknown"] == 1
    errors = np.array([labels[i] != ("yes" if outputs[i, 1] > 0.5 else "no") for i in range(50)])
    assert 1 - monitor.verdict().accuracy["measured"].value == pytest.approx(errors.mean())


def test_a_label_that_the_model_does_not_know_is_an_error() -> None:
    monitor = Monitor(reference(), BUDGET)
    items, outputs, _ = draw(20, seed=7)
    monitor.observe(None, items, outputs)
    monitor.label([str(i + 1) for i in range(20)], ["perhaps"] * 20)
    assert monitor.verdict().accuracy["measured"].value == 0.0
    assert monitor.labelling.counts["no such label"] == 20


def test_the_batches_do_not_matter() -> None:
    found = []
    for size in (1, 37, 600):
        monitor = Monitor(reference(), FalseAlarms.parse("1/500"))
        found.append(observe(monitor, 600, seed=8, size=size, shift=0.3))
    assert found[0]
    assert found[0] == found[1] == found[2]


def test_a_saved_monitor_goes_on_exactly(tmp_path) -> None:
    monitor = Monitor(reference(), FalseAlarms.parse("1/500"), features_of=features_of)
    observe(monitor, 300, seed=9, labelled=True)
    monitor.observe(None, *draw(30, seed=10)[:2])
    state.save(monitor, tmp_path / "watch")
    again = state.load(tmp_path / "watch", features_of=features_of)
    later = {"seed": 11, "shift": 0.5, "labelled": True}
    assert observe(monitor, 300, **later) == observe(again, 300, **later)
    assert monitor.verdict() == again.verdict()
    for one, name in ((monitor, "a"), (again, "b")):
        state.save(one, tmp_path / name)
    for name in ("state.json", "state.safetensors", "reference.json", "reference.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_state_does_not_grow_with_the_stream(tmp_path) -> None:
    sizes = []
    monitor = Monitor(reference(), BUDGET)
    for seed in range(3):
        observe(monitor, 1500, seed=20 + seed, size=500, labelled=True)
        state.save(monitor, tmp_path / "watch")
        sizes.append((tmp_path / "watch" / "state.safetensors").stat().st_size)
    assert max(sizes) < 1.1 * sizes[0]


def test_a_damaged_state_is_an_error_that_says_so(tmp_path) -> None:
    state.save(Monitor(reference(), BUDGET), tmp_path / "watch")
    (tmp_path / "watch" / "state.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        state.load(tmp_path / "watch")
    with pytest.raises(StorageError, match="holds no state"):
        state.load(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    with pytest.raises(StorageError, match="something else"):
        state.save(Monitor(reference(), BUDGET), tmp_path / "other")


def test_thirty_records_decide_nothing_by_their_number() -> None:
    monitor = Monitor(reference(), BUDGET)
    observe(monitor, 30, seed=12)
    assert {one.size for one in monitor.verdict().changes if one.name in ("age", "pay", "job = clerk")} == {"undecided"}


def test_a_column_that_is_gone_is_a_broken_schema() -> None:
    monitor = Monitor(reference(), BUDGET)
    items, outputs, _ = draw(20, seed=13)
    monitor.observe(None, [{"age": item["age"]} for item in items], outputs)
    verdict = monitor.verdict()
    assert (verdict.status, verdict.exit_code) == ("broken", 3)
    assert "job" in verdict.sentence


def test_words_where_numbers_were_are_missing_numbers() -> None:
    monitor = Monitor(reference(), BUDGET)
    items, outputs, _ = draw(200, seed=14)
    alarms = monitor.observe(None, [{**item, "pay": "much"} for item in items], outputs)
    assert not [alarm for alarm in alarms if alarm.name == "pay"]
    missing = [{**item, "pay": float("nan")} for item in items]
    alarms = Monitor(reference(), BUDGET).observe(None, missing, outputs)
    assert alarms[0].name == "pay missing"


def test_records_that_could_not_be_read_are_counted_and_left_out() -> None:
    monitor = Monitor(reference(), BUDGET)
    items, outputs, _ = draw(5, seed=15)
    records = [Record(key=f"k{i}", content=None) for i in range(5)]
    outputs[2] = np.nan
    monitor.observe(records, [*items[:2], DataError("not readable"), *items[3:]], outputs)
    assert monitor.n_records == 4
    assert list(monitor.labelling.waiting) == ["k0", "k1", "k3", "k4"]
    assert monitor.quality.counts["unreadable"] == 1


def test_outputs_of_another_model_are_refused() -> None:
    monitor = Monitor(reference(), BUDGET)
    with pytest.raises(DataError, match="3 columns"):
        monitor.observe(None, draw(4, seed=0)[0], np.full((4, 3), 1 / 3))
    with pytest.raises(DataError, match="3 and 4"):
        monitor.observe(None, draw(4, seed=0)[0], np.full((3, 2), 0.5))
    assert monitor.observe(None, [], np.zeros((0, 2))) == []
    assert monitor.verdict().status == "no records"
