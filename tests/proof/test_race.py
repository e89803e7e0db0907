"""Rivals that run beside others give what they give alone, and stop when the proof does."""

import io
import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from headstart.core.dataset import Dataset
from headstart.data.holdout import Plan
from headstart.engines.clock import Clock
from headstart.engines.journal import Journal
from headstart.engines.progress import Progress, Stopped
from headstart.proof import small_cnn
from headstart.proof.contest import Arena
from headstart.proof.race import Race
from headstart.proof.rivals.constant import Constant
from headstart.proof.rivals.convolutional import Convolutional

LEARNT, HELD_OUT = np.arange(24), np.arange(24, 36)


@pytest.fixture
def arena():
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 255, (36, 64, 64, 3), dtype=np.uint8)
    plan = Plan(kind="holdout", folds=((LEARNT, HELD_OUT),), final=np.arange(36), sentence="")
    dataset = Dataset(
        name="noise", modality="image", task="binary", items=list(photos), ids=[str(i) for i in range(36)],
        targets=np.eye(2)[np.arange(36) % 2], labels=("a", "b"), groups=np.arange(36),
    )  # fmt: skip
    return Arena(
        dataset=dataset,
        features=rng.normal(size=(36, 4)),
        backbone=None,
        plan=plan,
        strategy="ridge",
        seed=0,
        journal=Journal(None),
    )


def run(arena, budget_s):
    with Race((Constant(), Convolutional()), arena, Clock(budget_s)) as race:
        return race.finish()


def test_beside_the_others_equals_in_turn(arena, monkeypatch):
    monkeypatch.setattr(small_cnn, "n_epochs", lambda n: 3)
    beside, in_turn = run(arena, None)[0], run(arena, 1e6)[0]
    assert [p.name for p in beside] == [p.name for p in in_turn] == ["constant", "convolutional"]
    for one, other in zip(beside, in_turn, strict=True):
        np.testing.assert_array_equal(one.outputs, other.outputs)


def test_a_spent_budget_leaves_rivals_out_by_name(arena):
    performances, skipped = run(arena, 1e-9)
    assert not performances
    assert [notice["message"].split("'")[1] for notice in skipped] == ["constant", "convolutional"]


@dataclass(frozen=True, kw_only=True)
class Endless(Constant):
    """Works until it is stopped."""

    name: ClassVar[str] = "endless"
    single_threaded: ClassVar[bool] = True
    began: threading.Event
    ended: threading.Event

    def fit(self, dataset, index, *, seed, journal, progress=None):
        with Progress("endless", 10**9, progress) as steps:
            try:
                while True:
                    self.began.set()
                    steps.advance()
                    time.sleep(0.001)
            finally:
                self.ended.set()


def test_an_error_elsewhere_stops_the_rival_beside_it(arena):
    rival = Endless(began=threading.Event(), ended=threading.Event())

    def proof():
        with Race((rival,), arena, Clock()):
            rival.began.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        proof()
    assert rival.ended.wait(timeout=10)


def test_a_closed_sink_stops_a_step():
    sink = io.StringIO()
    steps = Progress("embedding", 3, sink)
    steps.advance()
    sink.close()
    with pytest.raises(Stopped):
        steps.advance()
