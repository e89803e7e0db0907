"""What every executor promises: order, errors in their place, few tasks ahead, an end when it is asked for."""

from __future__ import annotations

import threading
import time

import pytest

from headstart.engines.cancelling import CancelToken, Stopped
from headstart.engines.executor import SerialExecutor, ThreadExecutor

EXECUTORS = [SerialExecutor(), ThreadExecutor()]
N_THREADS = 2


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setenv("HEADSTART_THREADS", str(N_THREADS))


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda one: type(one).__name__)
class TestEveryExecutor:
    def test_results_come_in_the_order_of_the_tasks(self, executor):
        def slow_at_first(task):
            time.sleep(0.02 if task == 0 else 0.0)
            return task * task

        assert list(executor.map(slow_at_first, range(9), cancel_token=CancelToken())) == [n * n for n in range(9)]

    def test_no_tasks(self, executor):
        assert list(executor.map(abs, [], cancel_token=CancelToken())) == []

    def test_an_error_is_raised_in_its_place_and_ends_the_work(self, executor):
        begun = []

        def divide(task):
            begun.append(task)
            return 6 // task

        results = executor.map(divide, [1, 2, 0, *range(1, 100)], cancel_token=CancelToken())
        assert [next(results), next(results)] == [6, 3]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert len(begun) < 10
        assert list(results) == []

    def test_only_a_few_tasks_are_begun_ahead(self, executor):
        begun = []
        results = executor.map(begun.append, range(100), cancel_token=CancelToken())
        for n_taken in range(1, 6):
            next(results)
            time.sleep(0.01)
            assert len(begun) <= n_taken + 2 * N_THREADS
        results.close()

    def test_a_closed_generator_ends_the_work(self, executor):
        begun = []
        results = executor.map(begun.append, range(100), cancel_token=CancelToken())
        next(results)
        results.close()
        n_begun = len(begun)
        time.sleep(0.02)
        assert len(begun) == n_begun

    def test_no_task_begins_after_the_token_is_cancelled(self, executor):
        token, begun = CancelToken(), []

        def cancel_at_three(task):
            begun.append(task)
            if task == 3:
                token.cancel()

        with pytest.raises(Stopped):
            list(executor.map(cancel_at_three, range(100), cancel_token=token))
        assert len(begun) <= 4 + N_THREADS - 1  # one that had begun already goes to its end

    def test_a_queue_keeps_the_order_and_hands_errors_on(self, executor):
        done = []
        with executor.queue() as queue:
            futures = [queue.submit(done.append, n) for n in range(5)]
            failed = queue.submit(divmod, 1, 0)
            assert [future.result() for future in futures] == [None] * 5
            with pytest.raises(ZeroDivisionError):
                failed.result()
        assert done == list(range(5))


def test_threads_work_side_by_side():
    together = threading.Barrier(N_THREADS, timeout=10)
    list(ThreadExecutor().map(lambda _: together.wait(), range(N_THREADS), cancel_token=CancelToken()))


def test_the_end_of_a_queue_drops_what_has_not_begun():
    begun, release = threading.Event(), threading.Event()

    def wait():
        begun.set()
        release.wait(10)

    with ThreadExecutor().queue() as queue:
        first, second = queue.submit(wait), queue.submit(wait)
        begun.wait(10)
        threading.Timer(0.05, release.set).start()
    assert first.done()
    assert second.cancelled()
