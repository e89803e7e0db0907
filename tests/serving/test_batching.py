"""Micro-batching: what waits is run together, the like with the like, and nobody pays for another's mistake."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest

from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.serving.asgi import RequestError
from headstart.serving.batching import Batcher
from headstart.serving.preparing import Preparation


class Slow:
    """Sums each row; the first run waits until it is let go."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()

    def __call__(self, batch):
        self.batches.append(batch["x"].shape)
        if len(self.batches) == 1:
            self.go.wait(10)
        if (batch["x"] < 0).any():
            raise DataError("negative")
        return batch["x"].sum(axis=1, keepdims=True)


def rows(*values):
    return {"x": np.array(values, dtype=np.float32)}


async def behind_a_slow_one(slow, batcher, makes):
    """Submit while another runs; give the answers, that of the slow one first."""
    first = asyncio.create_task(batcher.submit(lambda: rows([1.0]), 1, 1 << 20))
    while not slow.batches:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(batcher.submit(lambda one=one: one, len(one["x"]), 1 << 20)) for one in makes]
    while len(batcher._waiting) < len(makes):
        await asyncio.sleep(0.001)
    slow.go.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_what_waits_is_run_together():
    slow = Slow()
    batcher = Batcher(slow, n_threads=2, max_latency_s=60)  # the first takes as long as the machine is busy
    found = asyncio.run(behind_a_slow_one(slow, batcher, [rows([float(i)]) for i in range(5)]))
    assert [one[0, 0] for one in found] == [1, 0, 1, 2, 3, 4]
    assert slow.batches == [(1, 1), (5, 1)]
    assert batcher.n_inside == 0


def test_a_batch_has_at_most_so_many_items():
    slow = Slow()
    asyncio.run(behind_a_slow_one(slow, Batcher(slow, n_threads=2, max_items=2), [rows([2.0])] * 5))
    assert [shape[0] for shape in slow.batches] == [1, 2, 2, 1]


def test_a_batch_is_cut_where_it_would_take_too_long():
    slow = Slow()
    batcher = Batcher(slow, n_threads=2, max_latency_s=0.001)
    slow.go.set()
    asyncio.run(batcher.submit(lambda: rows([1.0]), 1))
    batcher._item_s = 0.01
    slow.batches.clear()
    slow.go.clear()
    asyncio.run(behind_a_slow_one(slow, batcher, [rows([2.0])] * 3))
    assert [shape[0] for shape in slow.batches] == [1, 1, 1, 1]


def test_short_rows_do_not_pad_themselves_to_long_ones():
    slow = Slow()
    makes = [rows([1.0] * n) for n in (100, 3, 99, 4, 3)]
    found = asyncio.run(behind_a_slow_one(slow, Batcher(slow, n_threads=2), makes))
    assert [one[0, 0] for one in found] == [1, 100, 3, 99, 4, 3]
    assert slow.batches[1:] == [(2, 100), (3, 4)]


def test_arrays_that_the_graph_refuses_cost_only_their_own_answer():
    slow = Slow()
    makes = [rows([2.0]), rows([-1.0]), rows([3.0])]
    found = asyncio.run(behind_a_slow_one(slow, Batcher(slow, n_threads=2), makes))
    assert isinstance(found[2], DataError)
    assert [found[i][0, 0] for i in (1, 3)] == [2, 3]


def test_what_cannot_be_prepared_is_told():
    def fail():
        raise DataError("no text")

    batcher = Batcher(Slow(), n_threads=1)
    with pytest.raises(DataError, match="no text"):
        asyncio.run(batcher.submit(fail, 1))
    assert batcher.n_inside == 0


def test_a_full_queue_refuses():
    async def fill():
        slow = Slow()
        batcher = Batcher(slow, n_threads=2, max_waiting=3)
        batcher.check_room(3)
        task = asyncio.create_task(behind_a_slow_one(slow, batcher, [rows([2.0])] * 2))
        while batcher.n_inside < 3:
            await asyncio.sleep(0.001)
        with pytest.raises(RequestError, match="3 items are waiting") as refused:
            batcher.check_room(1)
        await task
        return refused.value

    refused = asyncio.run(fill())
    assert refused.status == 429
    assert refused.headers[0][0] == b"retry-after"


def test_a_request_that_gave_up_is_not_run():
    async def give_up():
        slow = Slow()
        batcher = Batcher(slow, n_threads=2)
        first = asyncio.create_task(batcher.submit(lambda: rows([1.0]), 1))
        while not slow.batches:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(batcher.submit(lambda: rows([2.0]), 1))
        while not batcher._waiting:
            await asyncio.sleep(0.001)
        second.cancel()
        slow.go.set()
        await first
        while batcher.n_inside:
            await asyncio.sleep(0.001)
        return slow.batches

    assert asyncio.run(give_up()) == [(1, 1)]


def test_quick_requests_are_run_where_they_were_read():
    async def ask():
        threads = set()

        def run(batch):
            threads.add(threading.current_thread())
            return batch["x"]

        batcher = Batcher(run, n_threads=1)
        for _ in range(300):
            await batcher.submit(lambda: rows([1.0]), 1)
        threads.clear()
        await batcher.submit(lambda: rows([1.0]), 1)
        return threads

    assert asyncio.run(ask()) == {threading.main_thread()}


class EndsThread(BaseException):
    """What a library may raise that is no `Exception`."""


def failing(*_):
    raise EndsThread("of a library")


@pytest.mark.parametrize("where", ["make", "is_large", "run"])
def test_whatever_is_raised_gives_its_place_back(where):
    batcher = Batcher(failing if where == "run" else sum_rows, n_threads=1)
    is_large = failing if where == "is_large" else (lambda: False)
    make = failing if where == "make" else (lambda: rows([1.0]))

    async def run():
        with pytest.raises(RuntimeError, match="EndsThread: of a library"):
            await batcher.submit(make, 1, 1 << 20, is_large)
        assert batcher.n_inside == 0
        with pytest.raises(RuntimeError, match="EndsThread"):
            await batcher.submit(failing, 1, 1 << 20)

    asyncio.run(run())


def sum_rows(batch):
    return batch["x"].sum(axis=1, keepdims=True)


def test_work_that_was_given_up_is_not_done():
    made, go = [], threading.Event()

    def make(number):
        made.append(number)
        go.wait(10)
        return rows([1.0])

    async def run():
        batcher = Batcher(sum_rows, n_threads=1)
        tasks = [asyncio.create_task(batcher.submit(lambda one=one: make(one), 1, 1 << 20)) for one in range(3)]
        while not made:
            await asyncio.sleep(0.001)
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        while batcher.n_inside:
            await asyncio.sleep(0.001)

    asyncio.run(run())
    assert made == [0, 2]


def test_small_items_do_not_wait_for_large_ones():
    go = threading.Event()

    def large():
        go.wait(10)
        return rows([1.0])

    async def run():
        batcher = Batcher(sum_rows, n_threads=2)
        many = [asyncio.create_task(batcher.submit(large, 1, 1 << 20, lambda: True)) for _ in range(9)]
        await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(batcher.submit(lambda: rows([2.0]), 1, 1 << 20), 5))[0, 0] == 2
        go.set()
        return await asyncio.gather(*many)

    assert len(asyncio.run(run())) == 9


def test_a_body_that_was_refused_is_let_go_at_once():
    class Body(bytearray):
        """Something large, of which there are many before garbage is collected."""

    body = Body(8)
    known = weakref.ref(body)

    def refuse(body):
        raise DataError(f"{len(body)} bytes")

    async def run(body):
        batcher = Batcher(sum_rows, n_threads=1)
        with pytest.raises(DataError, match="8 bytes"):
            await batcher.submit(partial(refuse, body), 1, 1 << 20)

    gc.disable()
    try:
        asyncio.run(run(body))
        del body
        end = time.monotonic() + 5  # the thread that refused it may be at its last line
        while known() is not None and time.monotonic() < end:
            time.sleep(0.01)
        assert known() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("items", "is_large"), [(["word " * 2_000] * 4, False), (["word " * 20_000], True)])
def test_long_texts_are_prepared_apart_from_short_ones(items, is_large):
    prepared = Preparation(items, get_modality("text"), lambda texts: rows([float(len(texts))]), 1_000_000)
    assert prepared.is_large() == is_large
