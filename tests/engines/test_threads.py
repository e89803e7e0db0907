from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from headstart.core.errors import OptionError
from headstart.engines.threads import core, limit_torch, n_threads


def test_every_core_by_default(monkeypatch):
    monkeypatch.delenv("HEADSTART_THREADS", raising=False)
    assert n_threads() == len(os.sched_getaffinity(0))


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("HEADSTART_THREADS", "3")
    assert n_threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_nonsense_is_named(monkeypatch, text):
    monkeypatch.setenv("HEADSTART_THREADS", text)
    with pytest.raises(OptionError, match=f"not '{text}'"):
        n_threads()


def test_torch_is_held_inside_and_let_go_after():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with limit_torch(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_no_more_threads_work_than_there_are_cores(monkeypatch):
    monkeypatch.setenv("HEADSTART_THREADS", "2")
    at_work, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal at_work, most
        with core():
            with lock:
                at_work += 1
                most = max(most, at_work)
            time.sleep(0.01)
            with lock:
                at_work -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    assert most == 2
