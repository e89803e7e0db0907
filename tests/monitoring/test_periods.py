"""When another model answers, a period ends and the next begins; late batches and labels belong to the model that answered."""

import json
from typing import ClassVar

import pytest
from labelled_log import fit_tiny, log_answers
from test_live_watch import monitor
from tiny_watch import draw, reference

from headstart.core.errors import DataError, OptionError, ServiceError
from headstart.engines.context import RunContext
from headstart.monitoring import state as kept
from headstart.monitoring import watch
from headstart.monitoring.following import follow_data
from headstart.monitoring.herald import Herald
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.live_watch import LABELS_DB, LIVE_JSON, LiveWatch
from headstart.monitoring.notifying import write_report
from headstart.monitoring.seeing import see
from headstart.monitoring.telling import Teller, acknowledge, keep_told
from headstart.monitoring.watch_batch import WatchBatch
from headstart.monitoring.watch_store import WatchStore
from headstart.packaging import load_bundle
from headstart.streaming.record import Record
from headstart.testing.small_bundles import make_bundle


@pytest.fixture
def open_watch(tmp_path):
    stores = []

    def make():
        stores.append(WatchStore(tmp_path, is_watch=True))
        files = stores[-1].kept()
        first = kept.from_files(files, tmp_path) if files else monitor()
        first.seal = first.seal or "seal 1"
        return LiveWatch(first, stores[-1], name="m")

    yield make
    for store in stores:
        store.close()


def leave(store, period, n, *, seed, **how):
    items, outputs, labels = draw(n, seed=seed, **how)
    keys = [f"r{seed}-{i}" for i in range(n)]
    records = [Record(key=key, content=None, time=1e9 + i) for i, key in enumerate(keys)]
    seen = see(reference(), records, items, outputs, features_of=None)
    assert store.leave(keys, WatchBatch(seen=seen, at=1e9, period=period))
    return keys, labels


def catch_up(live):
    while live.catch_up():
        pass


def test_each_batch_and_label_counts_for_the_model_that_answered(open_watch, tmp_path) -> None:
    live = open_watch()
    one = live.store.announce("seal 1", "1", reference()).number
    assert live.store.announce("seal 1", "1", reference()).number == one
    keys, labels = leave(live.store, one, 300, seed=1, shift=2.0)
    catch_up(live)
    assert live.monitor.verdict().exit_code == 3
    two = live.store.announce("seal 2", "2", reference(seed=5)).number
    leave(live.store, two, 50, seed=2)
    leave(live.store, one, 20, seed=3)  # another worker was slower
    catch_up(live)
    with LabelStore(tmp_path / LABELS_DB) as store:
        store.give(zip(keys, labels, strict=True))
    live.refresh(at_once=True)
    said = json.loads((tmp_path / LIVE_JSON).read_text())["verdict"]
    (period,) = said["periods"]
    assert (period["version"], period["n_records"], period["n_labels"]) == ("1", 320, 300)
    assert [one["ended"] for one in period["incidents"]] == ["version 2 answers"]
    assert (said["version"], said["n_records"], said["n_labels"], said["exit_code"]) == ("2", 50, 0, 0)


def test_killed_at_the_change_it_is_made_again(open_watch) -> None:
    live = open_watch()
    one = live.store.announce("seal 1", "1", reference()).number
    leave(live.store, one, 100, seed=1)
    catch_up(live)
    live.refresh(at_once=True)
    two = live.store.announce("seal 2", "2", reference()).number
    leave(live.store, two, 40, seed=2)
    leave(live.store, one, 10, seed=3)
    live.catch_up()
    live.store.close()  # killed: what came since the new period began was counted, and not kept
    again = open_watch()
    assert again.monitor.seal == "seal 2"
    catch_up(again)
    again.refresh(at_once=True)
    assert (again.monitor.n_records, again.monitor.periods[-1].n_records) == (40, 110)
    assert len(again.monitor.periods) == 1


def test_a_period_without_records_is_not_told(open_watch) -> None:
    live = open_watch()
    numbers = [live.store.announce(f"seal {i}", str(i), reference()).number for i in (1, 2, 3)]
    leave(live.store, numbers[-1], 30, seed=1)
    catch_up(live)
    assert (live.monitor.version, list(live.monitor.periods)) == ("3", [])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return fit_tiny(tmp_path_factory.mktemp("period"))


def test_a_kept_watch_begins_anew_with_another_model(bundle, tmp_path) -> None:
    import headstart

    model = headstart.load_bundle(bundle, trust=())
    log_answers(model, tmp_path / "log", 60, seed=1)
    given = {"log": tmp_path / "log", "state": tmp_path / "state", "trust": ()}
    assert watch(bundle, **given).n_records == 60
    (tmp_path / "other").mkdir()
    other = fit_tiny(tmp_path / "other", seed=1)
    log_answers(model, tmp_path / "log", 40, seed=2)
    verdict = watch(other, **given)
    assert [one.n_records for one in verdict.periods] == [60]
    assert verdict.n_records == 40
    write_report(verdict, "m", tmp_path / "page")
    assert "Earlier periods" in (tmp_path / "page" / "report.html").read_text()


def test_what_is_new_is_told_once(tmp_path) -> None:
    faulty = monitor()
    items, outputs, _ = draw(400, seed=1, shift=2.0)
    faulty.observe(None, items[:200], outputs[:200])
    kept.save(faulty, tmp_path / "state")
    teller = Teller(mail=tmp_path / "mail")

    def tell():
        teller.tell(kept.load(tmp_path / "state").verdict(), "m", keep=lambda told: keep_told(tmp_path / "state", told))
        return [path.read_text() for path in sorted((tmp_path / "mail").iterdir())]

    (mail,) = tell()
    assert "Subject: headstart: m: incident 1 opened" in mail
    going_on = kept.load(tmp_path / "state")
    going_on.observe(None, items[200:], outputs[200:])
    assert going_on.n_alarms > faulty.n_alarms
    kept.save(going_on, tmp_path / "state")
    assert len(tell()) == 1
    going_on = kept.load(tmp_path / "state")
    going_on.incidents.end("a test", record=400, at=None)
    kept.save(going_on, tmp_path / "state")
    assert "Subject: headstart: m: incident 1 is over" in tell()[-1]
    assert len(tell()) == 2


class _Teller(Teller):
    """Tells, and the first message does not arrive."""

    sent: ClassVar[list[str]] = []

    def _send(self, verdict, name, incident):
        self.sent.append(" ".join(incident.news))
        if len(self.sent) == 1:
            raise ServiceError("it is away")


def test_a_stream_tells_while_it_goes_on_and_again_what_did_not_arrive(open_watch) -> None:
    live, said = open_watch(), []
    herald = Herald(live, _Teller(), said.append)
    one = live.store.announce("seal 1", "1", reference()).number
    leave(live.store, one, 300, seed=1, shift=2.0)
    catch_up(live)
    herald.look()
    live.store.announce("seal 2", "2", reference())
    live.catch_up()
    herald.close()
    assert said == ["it is away"]
    assert _Teller.sent == ["opened", "opened ended"]
    assert live.news() is None
    live.close()
    assert open_watch().news() is None


def test_a_person_says_that_it_is_known(tmp_path) -> None:
    faulty = monitor()
    faulty.observe(None, *draw(200, seed=1, shift=2.0)[:2])
    kept.save(faulty, tmp_path / "state")
    acknowledge(tmp_path / "state", "the price list of June")
    assert kept.load(tmp_path / "state").verdict().exit_code == 0
    with pytest.raises(OptionError, match="no incident is open"):
        acknowledge(tmp_path / "state", "again")


@pytest.mark.parametrize("content", ["text\n \n  \n", "text\n\n\n"])
def test_records_of_which_none_can_be_read_are_broken(tmp_path, content) -> None:
    model = load_bundle(make_bundle("products", tmp_path / "texts"), trust=())
    (tmp_path / "blank.csv").write_text(content)
    found = monitor()
    if "  " not in content:
        with pytest.raises(DataError):
            follow_data(found, model, tmp_path / "blank.csv", RunContext.default(progress=None))
        return
    follow_data(found, model, tmp_path / "blank.csv", RunContext.default(progress=None))
    verdict = found.verdict()
    assert (verdict.status, verdict.exit_code) == ("broken", 3)
    assert "2 of 2 records could not be read" in verdict.sentence
