"""A process that works on what others made ends when it takes too much, and what it refuses is no error."""

from __future__ import annotations

import pytest

from headstart.engines.limited_process import LimitError, run_limited

LIMITS = {"deadline_s": 60, "memory_bytes": 1 << 30}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module that another process can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(code):
        (tmp_path / "tried.py").write_text(f"import os, sys\ngiven = sys.stdin.buffer.read()\n{code}\n")
        return "tried"

    return write


def test_it_reads_what_is_given(module, tmp_path):
    run_limited(module(f"open({str(tmp_path / 'out')!r}, 'wb').write(given)"), b"\0some bytes", **LIMITS)
    assert (tmp_path / "out").read_bytes() == b"\0some bytes"


def test_a_refusal_is_no_error(module):
    run_limited(module("sys.exit(3)"), b"", **LIMITS)
    run_limited(module("raise ValueError"), b"", **LIMITS)


def test_work_without_end(module):
    with pytest.raises(LimitError, match="it was not ready after 0.5 seconds"):
        run_limited(module("while True: pass"), b"", deadline_s=0.5, memory_bytes=1 << 30)


def test_memory_without_end(module):
    with pytest.raises(LimitError, match="it took more than 200 MiB of memory"):
        run_limited(
            module("held = [bytes([1]) * (1 << 20) for _ in range(10**6)]"), b"", deadline_s=60, memory_bytes=200 << 20
        )


def test_an_end_by_the_system(module):
    with pytest.raises(LimitError, match="it was ended by the system"):
        run_limited(module("os.kill(os.getpid(), 9)"), b"", **LIMITS)


def test_a_module_of_the_current_folder_takes_the_place_of_none(module, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    (here / "json.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.chdir(here)
    run_limited(module("import json"), b"", **LIMITS)
