"""The time of an update holds: what has none is not begun, what takes more is stopped, and both say so."""

import time
from dataclasses import dataclass

import pytest

from headstart.engines.cancelling import Stopped
from headstart.engines.context import RunContext
from headstart.updating import trying


@dataclass(frozen=True)
class Fake:
    """Takes some time, looking at its token as steps do; remembers what it was told of the time."""

    name: str
    seconds: float
    told_s: list

    def make(self, occasion, out):
        self.told_s.append(occasion.context.clock.left_s)
        until = time.perf_counter() + self.seconds
        while time.perf_counter() < until:
            occasion.context.cancel_token.raise_if_cancelled(self.name)
            time.sleep(0.01)


class Records(list):
    dataset = None


class ScriptedClock:
    """Has these seconds left, one after the other."""

    def __init__(self, *left_s):
        self._left_s = iter(left_s)

    @property
    def left_s(self):
        return next(self._left_s)


@pytest.fixture
def make(monkeypatch):
    """Make fakes that take these seconds; give what came of each, and what they were told of the time."""
    monkeypatch.setattr(trying, "load_bundle", lambda folder, **_: folder)
    monkeypatch.setattr(trying, "_LEAST_S", 0.01)

    def run(*seconds, context):
        told_s = []
        fakes = [Fake(f"way {i}", one, told_s) for i, one in enumerate(seconds)]
        monkeypatch.setattr(trying, "get_challengers", lambda _: fakes)
        with trying.make_challengers((), None, Records(range(20)), Records(range(10)), context) as made:
            return made, told_s

    return run


def test_one_that_takes_longer_is_stopped_and_the_next_is_not_begun(make):
    made, told_s = make(600.0, 0.0, context=RunContext().with_budget(0.5))
    assert [one.bundle for one in made] == [None, None]
    assert made[0].error.startswith("stopped after ")
    assert " s: the time was over; give more with --budget-s" in made[0].error
    assert 0.3 < made[0].seconds < 300
    assert made[1].error.startswith("no time: 0.0 s are left")
    assert len(told_s) == 1
    assert told_s[0] < 0.5 * 0.8 / 2  # its share, less what is kept for steps that take longer


def test_none_is_begun_in_less_time_than_a_cheaper_one_took(make):
    made, told_s = make(0.3, 0.0, 0.0, context=RunContext(clock=ScriptedClock(600.0, 0.2, 600.0)))
    assert [one.bundle is None for one in made] == [False, True, False]
    assert made[1].error.startswith("no time: 0.2 s are left, and a cheaper one took 0.")
    assert len(told_s) == 2


def test_without_a_budget_all_are_made(make):
    made, told_s = make(0.02, 0.0, context=RunContext())
    assert [one.error for one in made] == ["", ""]
    assert told_s == [None, None]


def test_a_run_that_somebody_cancels_ends(make):
    context = RunContext().with_budget(600.0)
    context.cancel_token.cancel()
    with pytest.raises(Stopped):
        make(600.0, 0.0, context=context)
