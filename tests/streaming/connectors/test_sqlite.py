"""Tests of `streaming/connectors/sqlite.py`, `sqlite_table.py` and `holder.py`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from headstart.core.errors import OptionError, ServiceError, StorageError
from headstart.streaming import holder
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.connector import EndOfStream
from headstart.streaming.record import Output


def fill(path, n, columns="id INTEGER PRIMARY KEY, content, state TEXT, who TEXT"):
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE queue ({columns})")
    connection.executemany("INSERT INTO queue (content, who) VALUES (?, ?)", [(f"text {i}", i % 5) for i in range(n)])
    connection.commit()
    connection.close()


def query(path, words):
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(words).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


async def all_of(inlet, *, batch=7, acknowledges=True):
    found = []
    while True:
        try:
            came = await inlet.receive(batch, 0.05)
        except EndOfStream:
            return found
        if not came and not acknowledges:
            return found
        found += came
        if acknowledges:
            await inlet.acknowledge(came)
        await asyncio.sleep(0)


def run(work):
    return asyncio.run(work())


def test_two_inlets_share_rows_without_doubling(tmp_path):
    fill(tmp_path / "q.db", 200)

    async def work():
        inlets = [inlet_of(f"sqlite://{tmp_path}/q.db?follow=0") for _ in range(2)]
        for one in inlets:
            await one.open()
        found = await asyncio.gather(*map(all_of, inlets))
        for one in inlets:
            await one.close()
        return found

    found = run(work)
    rows = [one.record.key for part in found for one in part]
    assert len(rows) == len(set(rows)) == 200
    assert all(found)


def test_workers_keep_the_order_of_each_partition(tmp_path):
    fill(tmp_path / "q.db", 100)

    async def work():
        inlets = [
            inlet_of(f"sqlite://{tmp_path}/q.db?follow=0&partition=who", worker=worker, n_workers=2)
            for worker in (0, 1)
        ]
        for one in inlets:
            await one.open()
        found = await asyncio.gather(*map(all_of, inlets))
        for one in inlets:
            await one.close()
        return found

    parts = run(work)
    partitions = [{one.record.partition for one in part} for part in parts]
    assert not partitions[0] & partitions[1]
    assert len(partitions[0] | partitions[1]) == 5
    for part in parts:
        for name in {one.record.partition for one in part}:
            ids = [int(one.record.key.partition(":")[2]) for one in part if one.record.partition == name]
            assert ids == sorted(ids)


CLAIM = """
import asyncio, sys
from headstart.streaming.connecting import inlet_of
async def main():
    inlet = inlet_of(sys.argv[1])
    await inlet.open()
    print(len(await inlet.receive(10, 1)), flush=True)
    await asyncio.sleep(100)
asyncio.run(main())
"""


def test_what_a_killed_process_held_is_free_and_what_a_live_one_holds_is_not(tmp_path):
    fill(tmp_path / "q.db", 10)
    address = f"sqlite://{tmp_path}/q.db"
    process = subprocess.Popen([sys.executable, "-c", CLAIM, address], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"10\n"

    async def claim():
        inlet = inlet_of(address)
        await inlet.open()
        came = await inlet.receive(10, 0.1)
        await inlet.close()
        return len(came)

    assert run(claim) == 0
    process.kill()
    process.communicate()
    assert run(claim) == 10


def test_a_holder_of_another_machine_is_gone_after_its_lease(monkeypatch):
    name = holder.new_holder()
    assert not holder.is_gone(name, 0.0)
    assert holder.is_gone(name.replace(f"/{os.getpid()}/", "/999999999/"), time.time())
    assert holder.is_gone("/".join([*name.split("/")[:2], "1", "x"]), time.time())  # the number was given to another
    monkeypatch.setattr(holder.socket, "gethostname", lambda: "elsewhere")
    assert not holder.is_gone(name, time.time())
    assert holder.is_gone(name, time.time() - 61)


def test_rows_that_come_later_are_seen_also_before_those_that_are_done(tmp_path):
    fill(tmp_path / "q.db", 3)
    query(tmp_path / "q.db", "DELETE FROM queue WHERE id = 1")

    async def work():
        inlet = inlet_of(f"sqlite://{tmp_path}/q.db")
        await inlet.open()
        first = await inlet.receive(10, 0.1)
        await inlet.acknowledge(first)
        await asyncio.to_thread(
            query, tmp_path / "q.db", "INSERT INTO queue (id, content) VALUES (1, 'late'), (9, 'new')"
        )
        end, found = time.monotonic() + 10, []
        while len(found) < 2 and time.monotonic() < end:
            came = await inlet.receive(10, 0.5)
            await inlet.acknowledge(came)
            found += [one.record.content for one in came]
        await inlet.close()
        return len(first), sorted(found)

    assert run(work) == (2, ["late", "new"])


def test_tables_are_made_and_columns_added(tmp_path):
    fill(tmp_path / "q.db", 2, columns="id INTEGER PRIMARY KEY, content, who")

    async def work():
        for words in ("", "&table=other"):
            inlet = inlet_of(f"sqlite://{tmp_path}/q.db?follow=0{words}")
            await inlet.open()
            yield len(await all_of(inlet))
            await inlet.close()

    async def collect():
        return [n async for n in work()]

    assert run(collect) == [2, 0]
    assert query(tmp_path / "q.db", "SELECT state FROM queue") == [("done",), ("done",)]


def test_names_may_be_anything(tmp_path):
    async def work():
        name = 'my%20"queue"%20;%20DROP'
        outlet = outlet_of(f"sqlite://{tmp_path}/q.db?table={name}")
        await outlet.open()
        await outlet.send([Output(key="1", value={"key": "1"})])
        await outlet.close()
        inlet = inlet_of(f"sqlite://{tmp_path}/q.db?table={name}&id=key&follow=0")
        await inlet.open()
        found = await all_of(inlet)
        await inlet.close()
        return found

    assert run(work)[0].record.content == b'{"key": "1"}'


def test_a_queue_that_is_not_there_is_named_and_not_made(tmp_path):
    with pytest.raises(OptionError, match=r"there is no database .*typo\.db"):
        run(inlet_of(f"sqlite://{tmp_path}/typo.db").open)
    assert not list(tmp_path.iterdir())


def test_keys_that_are_there_are_counted(tmp_path):
    async def work():
        outlet = outlet_of(f"sqlite://{tmp_path}/out.db")
        await outlet.open()
        await outlet.send([Output(key=key, value={"key": key}) for key in ("1", "1", "2")])
        await outlet.send([Output(key="2", value={"key": "2"})])
        await outlet.close()
        return outlet.n_left_out

    assert run(work) == 2


def test_content_of_each_kind(tmp_path):
    fill(tmp_path / "q.db", 0)
    connection = sqlite3.connect(tmp_path / "q.db")
    contents = ["late", '{"text": "late"}', b"\x89PNG", 7, None]
    connection.executemany("INSERT INTO queue (content) VALUES (?)", [(one,) for one in contents])
    connection.commit()
    connection.close()

    async def work():
        inlet = inlet_of(f"sqlite://{tmp_path}/q.db?follow=0")
        await inlet.open()
        found = await all_of(inlet)
        await inlet.close()
        return [one.record.content for one in found]

    assert run(work) == ["late", b'{"text": "late"}', b"\x89PNG", 7, None]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ("id=nope", OptionError, 'has no column "nope"; it has'),
        ("content=nope", OptionError, 'has no column "nope"; it has'),
    ],
)
def test_what_is_not_there_is_named(tmp_path, words, error, said):
    fill(tmp_path / "q.db", 1)

    async def work():
        await inlet_of(f"sqlite://{tmp_path}/q.db?{words}").open()

    with pytest.raises(error, match=said):
        run(work)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "q.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
    for place in (inlet_of, outlet_of):
        with pytest.raises(StorageError, match="no SQLite database|not a database"):
            run(place(f"sqlite://{tmp_path}/q.db").open)
    with pytest.raises(StorageError, match="unable to open"):
        run(outlet_of(f"sqlite://{tmp_path}/missing/q.db").open)


def test_a_locked_database_is_tried_again(tmp_path, monkeypatch):
    from headstart.streaming import sqlite_table

    monkeypatch.setattr(sqlite_table, "_BUSY_S", 0.05)
    other = sqlite3.connect(tmp_path / "out.db", isolation_level=None, check_same_thread=False)

    async def work():
        outlet = outlet_of(f"sqlite://{tmp_path}/out.db")
        await outlet.open()
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(ServiceError, match="locked by another process"):
                await outlet.send([Output(key="1", value={})])
        finally:
            other.execute("ROLLBACK")
        await outlet.send([Output(key="1", value={})])
        await outlet.close()

    run(work)
    other.close()
    assert query(tmp_path / "out.db", "SELECT count(*) FROM answers") == [(1,)]
    assert threading.active_count() < 20


def test_an_inlet_that_could_not_give_back_its_rows_gets_them_when_it_is_opened_again(tmp_path, monkeypatch):
    from headstart.streaming import sqlite_table

    fill(tmp_path / "q.db", 5)
    other = sqlite3.connect(tmp_path / "q.db", isolation_level=None, check_same_thread=False)

    async def work():
        inlet = inlet_of(f"sqlite://{tmp_path}/q.db")
        await inlet.open()
        assert len(await inlet.receive(9, 1)) == 5
        monkeypatch.setattr(sqlite_table, "_BUSY_S", 0.05)
        other.execute("BEGIN IMMEDIATE")
        await inlet.close()
        other.execute("ROLLBACK")
        await inlet.open()
        n = len(await inlet.receive(9, 1))
        await inlet.close()
        return n

    assert run(work) == 5
    other.close()
