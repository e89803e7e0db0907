"""Tests of `streaming/loop.py`, `intake.py`, `in_flight.py` and `patience.py`: places that fail lose nothing and double nothing."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from memory_places import MemoryInlet, MemoryOutlet, delivery

from headstart.core.errors import OptionError, ServiceError, StorageError
from headstart.streaming import patience
from headstart.streaming.answers import Answers
from headstart.streaming.in_flight import Pace
from headstart.streaming.loop import Loop, Places
from headstart.streaming.meters import Figures
from headstart.streaming.record import Output

N = 100


def answer(deliveries):
    records = [one.record for one in deliveries]
    is_dead = [record.content == "bad" for record in records]
    outputs = [Output(key=record.key, value={"key": record.key}) for record in records]
    rows = np.zeros((len(records), 2), dtype=np.float32)
    return Answers(
        records=records, items=[record.content for record in records], rows=rows, outputs=outputs, is_dead=is_dead
    )


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_S", 0.01)


def run(
    inlet, outlet, *, dead=None, batch=8, latency_s=0.005, give_up_s=5.0, stop_after=None, answer=answer, observers=()
):
    told = []
    figures = Figures()

    async def main():
        loop = Loop(
            Places(inlet=inlet, outlet=outlet, dead=dead),
            answer,
            pace=Pace(batch=batch, latency_s=latency_s, give_up_s=give_up_s),
            figures=figures,
            observers=observers,
            tell=lambda kind, message: told.append((kind, message)),
        )
        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, loop.stop.set)
        await asyncio.wait_for(loop.run(), 20)

    asyncio.run(main())
    return told, figures.summary()


def all_of(n=N):
    return [delivery(i) for i in range(n)]


KEYS = [f"r{i}" for i in range(N)]


def test_everything_is_answered_in_order_and_acknowledged_after_it_was_written():
    inlet, outlet = MemoryInlet(all_of()), MemoryOutlet()
    told, summary = run(inlet, outlet)
    assert outlet.keys == KEYS
    assert inlet.acknowledged == list(range(N))
    assert inlet.is_closed
    assert (told, summary.n_records, summary.n_dead) == ([], N, 0)
    assert summary.p50_ms > 0
    assert max(map(len, outlet.sends)) == 8


def test_what_is_not_written_is_not_acknowledged():
    inlet, outlet = MemoryInlet(all_of()), MemoryOutlet(refuse=10_000)
    with pytest.raises(ServiceError, match="outlet is away. It was tried for"):
        run(inlet, outlet, give_up_s=0.2)
    assert inlet.acknowledged == []
    assert outlet.outputs == []


@pytest.mark.parametrize("error", [ServiceError, StorageError])
def test_an_outlet_that_fails_is_sent_the_same_keys_again(error):
    inlet, outlet = MemoryInlet(all_of()), MemoryOutlet(refuse=3, error=error)
    told, _ = run(inlet, outlet)
    assert outlet.keys == KEYS
    assert outlet.sends[0] == outlet.sends[1] == outlet.sends[2] == outlet.sends[3]
    assert outlet.opened == (4 if error is ServiceError else 1)
    assert [kind for kind, _ in told] == ["reconnect"] * 4
    assert "Trying again in" in told[0][1]
    assert "answers again" in told[-1][1]


def test_an_outlet_that_refuses_for_good_ends_the_stream():
    with pytest.raises(OptionError):
        run(MemoryInlet(all_of()), MemoryOutlet(refuse=1, error=OptionError))


def test_a_lost_inlet_doubles_nothing():
    inlet, outlet = MemoryInlet(all_of(), lose_after=[3, 9, 20]), MemoryOutlet()
    run(inlet, outlet)
    assert outlet.keys == KEYS
    assert sorted(inlet.acknowledged) == list(range(N))
    assert inlet.opened == 4


def test_a_lost_acknowledgement_is_given_again_and_nothing_is_written_twice():
    inlet, outlet = MemoryInlet(all_of(), refuse_acknowledgements=3), MemoryOutlet()
    _, summary = run(inlet, outlet)
    assert outlet.keys == KEYS
    assert sorted(inlet.acknowledged) == list(range(N))
    assert summary.n_repeated > 0


def test_an_inlet_that_is_away_at_first_is_waited_for():
    inlet, outlet = MemoryInlet(all_of(), refuse_opens=3), MemoryOutlet()
    told, _ = run(inlet, outlet)
    assert outlet.keys == KEYS
    assert sum("the inlet is away" in message for _, message in told) == 3


def test_an_inlet_that_stays_away_ends_the_stream():
    with pytest.raises(ServiceError, match="the inlet is away"):
        run(MemoryInlet(all_of(), refuse_opens=10_000), MemoryOutlet(), give_up_s=0.1)


def test_reading_stops_where_writing_is_slow():
    inlet, outlet = MemoryInlet(all_of(1000)), MemoryOutlet(slow_s=0.005)
    run(inlet, outlet)
    assert inlet.most_at_once <= 5 * 8 + 8  # and one batch that is written and not yet acknowledged


def test_it_stops_when_it_is_told_to_and_finishes_what_it_has():
    inlet, outlet = MemoryInlet(all_of(), ends=False), MemoryOutlet()
    run(inlet, outlet, stop_after=0.3)
    assert outlet.keys == KEYS
    assert inlet.acknowledged == list(range(N))


def test_told_to_stop_in_the_middle_everything_received_is_written_and_acknowledged():
    inlet, outlet = MemoryInlet(all_of(5000)), MemoryOutlet(slow_s=0.01)
    run(inlet, outlet, stop_after=0.2)
    assert 0 < len(outlet.keys) < 5000
    assert [f"r{i}" for i in inlet.acknowledged] == outlet.keys


def test_dead_letters_go_where_they_are_sent():
    deliveries = [delivery(i, "bad" if i % 10 == 3 else "good") for i in range(N)]
    outlet, dead = MemoryOutlet(), MemoryOutlet()
    _, summary = run(MemoryInlet(deliveries), outlet, dead=dead)
    assert dead.keys == [f"r{i}" for i in range(3, N, 10)]
    assert len(outlet.keys) == N - 10
    assert summary.n_dead == 10
    beside = MemoryOutlet()
    run(MemoryInlet(deliveries), beside)
    assert beside.keys == KEYS


def test_a_few_records_do_not_wait_for_a_full_batch():
    inlet, outlet = MemoryInlet(all_of(3), ends=False), MemoryOutlet()
    _, summary = run(inlet, outlet, batch=64, latency_s=0.02, stop_after=0.4)
    assert len(outlet.sends) == 1
    assert summary.p99_ms < 300


def test_the_model_works_while_others_read_and_write():
    """Answering takes as long as writing: one after the other would take twice as long."""
    n, each_s = 20, 0.03
    threads = set()

    def slow(deliveries):
        threads.add(threading.current_thread())
        threading.Event().wait(each_s)
        return answer(deliveries)

    _, summary = run(MemoryInlet(all_of(n * 8)), MemoryOutlet(slow_s=each_s), answer=slow)
    assert threading.main_thread() not in threads
    assert summary.seconds < 1.7 * n * each_s


def test_observers_see_every_batch_and_may_fail():
    seen = []

    def observer(records, items, outputs):
        seen.append([record.key for record in records])
        assert len(items) == len(outputs)
        if len(seen) == 2:
            raise ValueError("no")

    outlet = MemoryOutlet()
    told, _ = run(MemoryInlet(all_of()), outlet, observers=[observer])
    assert [key for keys in seen for key in keys] == KEYS
    assert told == [("observer", "an observer failed (ValueError: no); the stream goes on")]


def test_what_the_model_raises_is_raised():
    def broken(deliveries):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(MemoryInlet(all_of()), MemoryOutlet(), answer=broken)


def test_memory_bounds_what_is_in_flight():
    large = "x" * (4 << 20)
    inlet, outlet = MemoryInlet([delivery(i, large) for i in range(60)]), MemoryOutlet(slow_s=0.01)
    run(inlet, outlet, batch=64)
    assert len(outlet.keys) == 60
    assert max(map(len, outlet.sends[1:])) <= 5  # 16 MiB, and the one that made it more
    assert len(outlet.sends[0]) <= 8  # before anything is known of their size
    assert inlet.most_at_once <= 25
