from __future__ import annotations

import io

from headstart.engines import progress as module
from headstart.engines.progress import Progress
from headstart.engines.reporters import SilentReporter, TextReporter


def test_silent_without_a_sink(capfd):
    with Progress("embedding", 10, SilentReporter(), done=3) as progress:
        progress.advance(7)
    assert capfd.readouterr() == ("", "")
    assert progress.done == 10


def test_says_what_came_from_the_cache():
    stream = io.StringIO()
    with Progress("embedding", 1393, TextReporter(stream), done=1020):
        pass
    assert stream.getvalue() == "embedding: 1,020 of 1,393 from the cache\n"


def test_a_line_each_interval_with_the_time_to_go(monkeypatch):
    clock = iter([0.0, 0.0, 5.0, 5.0, 12.0, 12.0, 12.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with Progress("embedding", 100, TextReporter(stream)) as progress:
        progress.advance(5)
        progress.advance(5)
    assert stream.getvalue() == "embedding: 10 of 100, 1 min 48 s to go\n"


def test_terminal_gets_a_bar_that_goes_away():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress("embedding", 4, TextReporter(stream)) as progress:
        progress.advance(4)
    assert stream.getvalue()
