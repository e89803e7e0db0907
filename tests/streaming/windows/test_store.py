"""Tests of `streaming/windows/store.py`, `assigning.py`: which window a record is in, and that it is counted once."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headstart.core.errors import OptionError
from headstart.streaming.windows import store as windows_store
from headstart.streaming.windows.aggregate import Aggregate, Observed
from headstart.streaming.windows.settings import WindowSettings
from headstart.streaming.windows.store import Event, Store

S = 1_000_000
KINDS = [{"size": "10s"}, {"size": "10s", "every": "5s"}, {"gap": "4s"}]
PROBLEM = {"to": "x", "lateness": "20s"}


def event(number, second, group="", label="good", score=0.5):
    return Event(f"r{number}", round(second * S), group, Observed(labels=(label,), score=score))


def run(folder, events, batch=3, ended=True, n_workers=1, **kind):
    """Windows of events in this order, by group, beginning and end."""
    stores = [
        Store(folder / "w.sqlite", WindowSettings(**{**PROBLEM, **kind}), worker=i, n_workers=n_workers)
        for i in range(n_workers)
    ]
    found = {}
    for at, start in enumerate(range(0, len(events), batch)):
        store = stores[at % n_workers]
        store.count(events[start : start + batch])
        take(store, found)
    for store in stores if ended else ():
        store.end()
    take(stores[0], found)
    counts = stores[0].counts()
    for store in stores:
        store.close()
    return found, counts


def take(store, found):
    windows, late = store.closed()
    for one in windows:
        assert (one.group, one.start, one.stop) not in found, "a window is written once"
        found[one.group, one.start, one.stop] = one.aggregate
    store.written(windows, late)


def expected(events, kind):
    """The same by hand: all records in the order of time, in memory."""
    found = defaultdict(Aggregate)
    by_group = defaultdict(list)
    for one in sorted(events, key=lambda one: one.time_us):
        by_group[one.group].append(one)
        if kind.get("size"):
            every = 5 if "every" in kind else 10
            for start in range(-10, 200, every):
                if start * S <= one.time_us < (start + 10) * S:
                    found[one.group, start * S, (start + 10) * S].add(one.counted)
    if "gap" in kind:
        for group, members in by_group.items():
            session = [members[0]]
            for one in [*members[1:], None]:
                if one is None or one.time_us - session[-1].time_us >= 4 * S:
                    whole = found[group, session[0].time_us, session[-1].time_us + 4 * S]
                    for each in session:
                        whole.add(each.counted)
                    session = []
                session.append(one)
    return dict(found)


RECORDS = some.lists(
    some.tuples(
        some.integers(0, 400).map(lambda tenths: tenths / 10),
        some.sampled_from(["north", "south"]),
        some.sampled_from(["good", "bad"]),
        some.floats(0, 1),
    ),
    min_size=1,
    max_size=30,
)


class TestOrder:
    @settings(max_examples=20, deadline=None)
    @given(records=RECORDS, shifts=some.lists(some.floats(0, 20), min_size=30, max_size=30), batch=some.integers(1, 7))
    @pytest.mark.parametrize("kind", KINDS)
    def test_any_order_within_lateness_gives_the_windows_of_sorted_records(
        self, tmp_path_factory, kind, records, shifts, batch
    ):
        events = [event(i, *record) for i, record in enumerate(records)]
        arrived = sorted(events, key=lambda one: one.time_us / S + shifts[int(one.key[1:])])
        found, counts = run(tmp_path_factory.mktemp("w"), arrived, batch=batch, **kind)
        assert found == expected(events, kind)
        assert counts["late"] == 0

    @pytest.mark.parametrize("kind", KINDS)
    def test_two_workers_make_the_windows_of_one(self, tmp_path_factory, kind):
        events = [event(i, i / 2, "ns"[i % 2], score=i / 90) for i in range(90)]
        one, _ = run(tmp_path_factory.mktemp("w"), events, **kind)
        two, _ = run(tmp_path_factory.mktemp("w"), events, n_workers=2, **kind)
        assert one == two == expected(events, kind)

    def test_a_fast_worker_does_not_close_windows_of_a_slow_one(self, tmp_path):
        shared = WindowSettings(to="x", size="10s")
        fast, slow = (Store(tmp_path / "w", shared, worker=i, n_workers=2) for i in range(2))
        slow.count([event(0, 1)])
        fast.count([event(1, 2), event(2, 95)])
        assert fast.closed() == ([], [])
        slow.count([event(3, 9), event(4, 11)])
        windows, _ = slow.closed()
        assert [(one.start, one.aggregate.n) for one in windows] == [(0, 3)]


class TestLate:
    def test_what_is_too_late_is_counted_as_such_and_changes_nothing(self, tmp_path):
        events = [event(0, 5), event(1, 45), event(2, 6), event(3, 44)]
        found, counts = run(tmp_path, events, batch=1, size="10s")
        assert {key[1] // S: one.n for key, one in found.items()} == {0: 1, 40: 2}
        assert counts["late"] == 1

    def test_late_counts_are_given_until_they_are_written(self, tmp_path):
        store = Store(tmp_path / "w", WindowSettings(to="x", size="10s"))
        for number, second in enumerate((5, 45, 6, 7)):
            store.count([event(number, second)])
        late = store.closed()[1]
        assert [tuple(one) for one in late] == [(0, 10 * S, "", 2)]
        store.written([], late)
        assert store.closed()[1] == []

    def test_the_oldest_late_counts_are_forgotten(self, tmp_path, monkeypatch):
        monkeypatch.setattr(windows_store, "MAX_LATE", 3)
        store = Store(tmp_path / "w", WindowSettings(to="x", size="10s"))
        store.count([event(0, 1_000)])
        for number in range(1, 8):
            store.count([event(number, 10 * number + 1)])
            windows, late = store.closed()
            assert [tuple(one) for one in late] == [(10 * number * S, (10 * number + 10) * S, "", 1)]
            store.written(windows, late)
        rows = store._db.execute("SELECT start FROM late ORDER BY start").fetchall()
        assert [start // S for (start,) in rows] == [50, 60, 70]
        assert store.counts()["late"] == 7

    def test_no_time_is_counted(self, tmp_path):
        found, counts = run(tmp_path, [Event("a", None, "", Observed()), event(1, 3)], size="10s")
        assert counts["untimed"] == 1
        assert sum(one.n for one in found.values()) == 1


class TestRestart:
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_comes_again_is_counted_once(self, tmp_path, kind):
        events = [event(i, i / 2, "ns"[i % 2]) for i in range(40)]
        before, _ = run(tmp_path, events[:25], ended=False, **kind)
        after, counts = run(tmp_path, events[15:], **kind)
        assert {**before, **after} == expected(events, kind)
        assert not set(before) & set(after)
        assert counts["repeated"] == 10

    def test_a_window_that_was_not_written_is_given_again(self, tmp_path):
        store = Store(tmp_path / "w", WindowSettings(to="x", size="10s"))
        store.count([event(0, 5), event(1, 45)])
        first = store.closed()
        store.close()
        again = Store(tmp_path / "w", WindowSettings(to="x", size="10s"))
        assert again.closed() == first
        assert len(first[0]) == 1

    def test_a_batch_that_fails_halfway_leaves_nothing(self, tmp_path, monkeypatch):
        store = Store(tmp_path / "w", WindowSettings(to="x", size="10s"))
        with monkeypatch.context() as patch:
            patch.setattr(Store, "_advance", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                store.count([event(0, 5)])
        store.count([event(0, 5)])
        store.end()
        assert [one.aggregate.n for one in store.closed()[0]] == [1]
        assert store.counts()["repeated"] == 0

    def test_other_settings_are_refused(self, tmp_path):
        Store(tmp_path / "w", WindowSettings(to="x", size="10s")).close()
        Store(tmp_path / "w", WindowSettings(to="elsewhere", size="10s")).close()
        with pytest.raises(OptionError, match="other settings"):
            Store(tmp_path / "w", WindowSettings(to="x", size="20s"))
