import json

import numpy as np
import pytest
from tiny_watch import draw, reference

from headstart.core.errors import OptionError, StorageError
from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring import state as kept
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.live_watch import LABELS_DB, LIVE_JSON, LiveWatch
from headstart.monitoring.seeing import see
from headstart.monitoring.watch_batch import WatchBatch, previews_of
from headstart.monitoring.watch_store import DATABASE, WatchStore
from headstart.streaming.record import Record


def monitor():
    return Monitor(reference(), FalseAlarms.parse("1/100000"))


def tell(live, n, *, seed, **how):
    """Let a live watch see records; give their keys and labels."""
    items, outputs, labels = draw(n, seed=seed, **how)
    keys = [f"r{seed}-{i}" for i in range(n)]
    records = [Record(key=key, content=None) for key in keys]
    seen = see(live.monitor.reference, records, items, outputs, features_of=None)
    live.take(WatchBatch(seen=seen, at=live.clock(), latencies_s=[0.01] * n, previews=previews_of(records, items)))
    live.refresh()
    return keys, labels


def open_watch(folder, **how):
    store = WatchStore(folder, is_watch=True)
    files = store.kept()
    return LiveWatch(kept.from_files(files, folder) if files else monitor(), store, name="m", **how)


def test_what_is_said_has_rates_answers_labels_and_examples(tmp_path) -> None:
    live = open_watch(tmp_path, shows_items=True)
    keys, labels = tell(live, 200, seed=1)
    with LabelStore(tmp_path / LABELS_DB) as store:
        store.give(zip(keys, labels, strict=True))
    tell(live, 300, seed=2, shift=2.0)
    live.close()
    said = json.loads((tmp_path / LIVE_JSON).read_text())
    assert said["course"]["n_records"] == said["verdict"]["n_records"] == 500
    assert said["verdict"]["n_labels"] == 200
    assert {"estimated", "measured", "previous label"} == set(said["verdict"]["accuracy"])
    assert said["verdict"]["status"] == "alarm"
    (incident,) = said["verdict"]["incidents"]
    examples = [key for named in incident["named"] for key in named["alarm"]["examples"]]
    assert examples
    assert all("age: " in said["shown"][key] for key in examples)
    assert sum(sum(block["answers"].values()) for block in said["course"]["blocks"]) == 500


def test_items_are_not_shown_unless_the_user_wants_it(tmp_path) -> None:
    live = open_watch(tmp_path)
    tell(live, 200, seed=2, shift=2.0)
    live.close()
    said = json.loads((tmp_path / LIVE_JSON).read_text())
    assert said["verdict"]["alarms"][0]["examples"]
    assert said["shown"] == {}


def test_it_goes_on_from_its_folder_and_takes_each_label_once(tmp_path) -> None:
    live = open_watch(tmp_path)
    keys, labels = tell(live, 100, seed=1)
    with LabelStore(tmp_path / LABELS_DB) as store:
        store.give(zip(keys, labels, strict=True))
    live.close()
    again = open_watch(tmp_path)
    tell(again, 100, seed=3)
    again.close()
    said = json.loads((tmp_path / LIVE_JSON).read_text())
    assert (said["course"]["n_records"], said["verdict"]["n_records"], said["verdict"]["n_labels"]) == (200, 200, 100)
    assert not any(said["label_counts"].values())


def test_what_it_says_stays_small(tmp_path) -> None:
    now = [1e9]
    live = open_watch(tmp_path, shows_items=True, clock=lambda: now[0])
    sizes = []
    for turn in range(12):
        for part in range(10):
            now[0] += 100.0
            tell(live, 20, seed=1000 * turn + part, shift=0.1 * turn)
        live.refresh(at_once=True)
        sizes.append((tmp_path / LIVE_JSON).stat().st_size)
    live.close()
    assert max(sizes) < 60_000
    assert sizes[-1] < 1.5 * np.median(sizes)


def test_a_file_of_something_else_is_refused(tmp_path) -> None:
    (tmp_path / DATABASE).write_bytes(b"something else" * 100)
    with pytest.raises(StorageError, match="no SQLite database"):
        WatchStore(tmp_path)


def test_one_process_keeps_a_watch(tmp_path) -> None:
    live = open_watch(tmp_path)
    with pytest.raises(OptionError, match="kept by another process"):
        WatchStore(tmp_path, is_watch=True)
    live.close()
    open_watch(tmp_path).close()
