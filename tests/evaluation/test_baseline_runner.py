"""Baselines that run beside others give what they give alone, and stop when the proof does."""

import io
import threading
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from headstart.core.dataset import Dataset
from headstart.data.holdout import SplitPlan
from headstart.engines.cancelling import Stopped
from headstart.engines.context import RunContext
from headstart.evaluation import small_cnn
from headstart.evaluation.baseline_runner import BaselineRunner
from headstart.evaluation.baselines.constant import Constant
from headstart.evaluation.baselines.convolutional import Convolutional
from headstart.evaluation.experiment import Experiment

TRAIN, TEST = np.arange(24), np.arange(24, 36)


@pytest.fixture
def experiment():
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 255, (36, 64, 64, 3), dtype=np.uint8)
    plan = SplitPlan(kind="holdout", folds=((TRAIN, TEST),), final=np.arange(36), sentence="")
    dataset = Dataset(
        name="noise", modality="image", task="binary", items=list(photos), ids=[str(i) for i in range(36)],
        targets=np.eye(2)[np.arange(36) % 2], labels=("a", "b"), groups=np.arange(36),
    )  # fmt: skip
    return Experiment(
        dataset=dataset,
        features=rng.normal(size=(36, 4)),
        source=None,
        plan=plan,
        head="ridge",
        context=RunContext(),
    )


def run(experiment, budget_s):
    experiment = replace(experiment, context=experiment.context.with_budget(budget_s))
    with BaselineRunner((Constant(), Convolutional()), experiment) as runner:
        return runner.finish()


def test_beside_the_others_equals_in_turn(experiment, monkeypatch):
    monkeypatch.setattr(small_cnn, "n_epochs", lambda n: 3)
    beside, in_turn = run(experiment, None)[0], run(experiment, 1e6)[0]
    assert [p.name for p in beside] == [p.name for p in in_turn] == ["constant", "convolutional"]
    for one, other in zip(beside, in_turn, strict=True):
        np.testing.assert_array_equal(one.outputs, other.outputs)


def test_a_spent_budget_leaves_baselines_out_by_name(experiment):
    predictions, skipped = run(experiment, 1e-9)
    assert not predictions
    assert [notice["message"].split("'")[1] for notice in skipped] == ["constant", "convolutional"]


@dataclass(frozen=True, kw_only=True)
class Measured(Constant):
    """Notes when it is asked how long it takes, which for some is as slow as a network is."""

    name: ClassVar[str] = "measured"
    cost: ClassVar[str] = "full"
    asked: list[int]

    def expected_s(self, dataset):
        self.asked.append(len(dataset))
        return 0.0


@pytest.mark.parametrize(("budget_s", "asked"), [(1e-9, []), (1e6, [36])])
def test_a_baseline_is_asked_for_its_time_only_while_there_is_some(experiment, budget_s, asked):
    baseline = Measured(asked=[])
    experiment = replace(experiment, context=experiment.context.with_budget(budget_s))
    with BaselineRunner((baseline,), experiment) as runner:
        _, skipped = runner.finish()
    assert baseline.asked == asked
    assert len(skipped) == (0 if asked else 1)


@dataclass(frozen=True, kw_only=True)
class Endless(Constant):
    """Works until it is stopped."""

    name: ClassVar[str] = "endless"
    single_threaded: ClassVar[bool] = True
    began: threading.Event
    ended: threading.Event

    def fit(self, dataset, index, *, context):
        with context.progress("endless", 10**9) as steps:
            try:
                while True:
                    self.began.set()
                    steps.advance()
                    time.sleep(0.001)
            finally:
                self.ended.set()


def test_an_error_elsewhere_stops_the_baseline_beside_it(experiment):
    baseline = Endless(began=threading.Event(), ended=threading.Event())

    def proof():
        with BaselineRunner((baseline,), experiment):
            baseline.began.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        proof()
    assert baseline.ended.wait(timeout=10)


def test_a_closed_sink_stops_a_step():
    stream = io.StringIO()
    steps = RunContext.default(progress=stream).progress("embedding", 3)
    steps.advance()
    stream.close()
    with pytest.raises(Stopped):
        steps.advance()
