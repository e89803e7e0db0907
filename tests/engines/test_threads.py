from __future__ import annotations

import os

import pytest

from headstart.core.errors import OptionError
from headstart.engines.threads import limit, n_threads


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


def test_limit_holds_torch_inside_and_lets_go_after():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with limit(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
