"""Tests of `streaming/meters.py` and `patience.py`."""

from __future__ import annotations

import asyncio
import time

import pytest

from headstart.core.errors import ServiceError
from headstart.streaming import patience
from headstart.streaming.meters import Figures
from headstart.streaming.patience import Patience


def test_a_line_is_of_the_time_since_the_last():
    figures = Figures()
    assert figures.line() == ""
    figures.written(n_records=4, n_dead=1, latencies_s=[0.001, 0.002, 0.003, 0.1])
    time.sleep(0.01)
    line = figures.line()
    assert "records/s, p50 2.5 ms, p99 97.1 ms; 4 in all, 1 not readable" in line
    assert figures.line() == ""
    summary = figures.summary()
    assert (summary.n_records, summary.n_dead, summary.p50_ms) == (4, 1, 2.5)
    assert str(summary).startswith("4 records in 0.0 s, 1 of them not readable; p50 2.5 ms")
    assert Figures().summary().p50_ms is None


def test_waits_grow_and_begin_anew(monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_S", 0.01)
    told, waited = [], []

    async def work():
        one = Patience(
            give_up_s=5, stop=asyncio.Event(), tell=told.append, waited=lambda: waited.append(time.monotonic())
        )
        for _ in range(4):
            await one.wait(ServiceError("it is away."))
        grown = waited[3] - waited[2]
        one.succeeded()
        one.succeeded()
        await one.wait(ServiceError("it is away."))
        return grown

    assert asyncio.run(work()) > 0.03
    assert told[0].startswith("it is away. Trying again in 0.0 s")
    assert sum("answers again" in line for line in told) == 1


def test_it_gives_up():
    async def work():
        one = Patience(give_up_s=0.05, stop=asyncio.Event(), tell=print, waited=lambda: None)
        while True:
            await one.wait(ServiceError("it is away."))

    started = time.monotonic()
    with pytest.raises(ServiceError, match="it is away. It was tried for 0 s; nothing is lost"):
        asyncio.run(work())
    assert time.monotonic() - started < 5


def test_told_to_stop_a_wait_ends(monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_S", 30.0)

    async def work():
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        await Patience(give_up_s=60, stop=stop, tell=print, waited=lambda: None).wait(ServiceError("it is away."))

    started = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - started < 5


def test_prometheus_counts_answers_dead_letters_and_duplicates():
    pytest.importorskip("prometheus_client")

    from headstart.streaming.prometheus import PrometheusMeter

    meter = PrometheusMeter("tickets")
    meter.written(n_records=5, n_dead=1, latencies_s=[0.1] * 5)
    meter.left_out(2)
    found = {
        outcome: meter.registry.get_sample_value(
            "headstart_stream_records_total", {"model": "tickets", "outcome": outcome}
        )
        for outcome in ("answered", "dead", "duplicate")
    }
    assert found == {"answered": 4, "dead": 1, "duplicate": 2}
