"""What is left for a watch is counted once, whatever comes again and whoever is killed."""

import numpy as np
import pytest
from test_live_watch import monitor
from tiny_watch import draw

from headstart.core.errors import DataError, ServiceError, StorageError
from headstart.monitoring import state as kept
from headstart.monitoring import watch_recorder
from headstart.monitoring.live_watch import LiveWatch
from headstart.monitoring.watch_recorder import WatchRecorder, open_recorder
from headstart.monitoring.watch_store import WatchStore
from headstart.streaming.answers import Answers
from headstart.streaming.meters import Figures
from headstart.streaming.record import Record

OPEN = []


@pytest.fixture(autouse=True)
def _closed():
    yield
    while OPEN:
        OPEN.pop().close()


def store_of(folder, **how):
    OPEN.append(WatchStore(folder, **how))
    return OPEN[-1]


def answers(start, stop, *, dead=()):
    items, outputs, _ = draw(stop - start, seed=start)
    records = [Record(key=f"r{i}", content=None, time=1e9 + i) for i in range(start, stop)]
    outputs[list(dead)] = np.nan
    return Answers(
        records=records,
        items=[DataError("no") if i in dead else item for i, item in enumerate(items)],
        rows=outputs,
        outputs=[],
        is_dead=[i in dead for i in range(len(items))],
        latencies_s=[0.01] * len(items),
    )


def recorder(folder, figures=None):
    return WatchRecorder(store_of(folder), monitor().reference, figures=figures or Figures())


def watch(folder):
    store = store_of(folder, is_watch=True)
    files = store.kept()
    return LiveWatch(kept.from_files(files, folder) if files else monitor(), store, name="m")


def test_what_comes_again_is_counted_once(tmp_path):
    live, one, other = watch(tmp_path), recorder(tmp_path), recorder(tmp_path)
    one.record(answers(0, 40, dead=(3,)))
    one.record(answers(0, 40, dead=(3,)))  # the acknowledgement was lost
    other.record(answers(20, 60))  # some went to another worker then
    while live.catch_up():
        pass
    said = live.snapshot()
    assert (said["verdict"]["n_records"], said["course"]["n_records"], said["course"]["n_dead"]) == (59, 60, 1)
    assert said["n_repeated"] == 60
    assert live.monitor.quality.counts["unreadable"] == 1


def test_it_is_what_one_process_would_have_seen(tmp_path):
    live, plain = watch(tmp_path), monitor()
    workers = [recorder(tmp_path), recorder(tmp_path)]
    for i in range(8):
        batch = answers(50 * i, 50 * i + 50)
        workers[i % 2].record(batch)
        plain.observe(batch.records, batch.items, batch.rows)
    while live.catch_up():
        pass
    assert live.monitor.evidence == plain.evidence
    assert live.monitor.verdict(now=2e9) == plain.verdict(now=2e9)


def test_a_watch_that_is_killed_goes_on_from_its_last_state(tmp_path):
    live, one = watch(tmp_path), recorder(tmp_path)
    one.record(answers(0, 50))
    live.catch_up()
    live.refresh(at_once=True)
    one.record(answers(50, 90))
    live.catch_up()
    live.store.close()  # killed: the last batch was counted, and that was not kept
    again = watch(tmp_path)
    assert again.monitor.n_records == 50
    while again.catch_up():
        pass
    assert (again.monitor.n_records, again.snapshot()["course"]["n_records"]) == (90, 90)
    again.refresh(at_once=True)
    assert again.store.n_waiting() == 0


def test_a_stream_waits_for_a_watch_that_is_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_recorder, "MAX_WAITING", 2)
    monkeypatch.setattr(watch_recorder, "_PATIENCE_S", 0.05)
    live, one = watch(tmp_path), recorder(tmp_path)
    for i in range(2):
        one.record(answers(10 * i, 10 * i + 10))
    with pytest.raises(ServiceError, match="behind by 2 batches"):
        one.record(answers(20, 30))
    live.catch_up()
    live.refresh(at_once=True)
    one.record(answers(20, 30))
    live.catch_up()
    assert live.monitor.n_records == 30


def test_how_often_a_place_was_away_comes_along(tmp_path):
    figures = Figures()
    live, one = watch(tmp_path), recorder(tmp_path, figures)
    for i in range(3):
        figures.waited("nats")
        one.record(answers(10 * i, 10 * i + 10))
    live.catch_up()
    assert live.snapshot()["n_waited"] == 3


def test_a_folder_without_a_watch_is_refused(tmp_path):
    with pytest.raises(StorageError, match="no watch is kept"):
        open_recorder(None, figures=Figures(), folder=str(tmp_path), shows_items=False)
