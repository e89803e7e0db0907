"""The run context: stages and progress as a program hears them, and a run that is cancelled."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import headstart
import tiny
from headstart.core.errors import OptionError
from headstart.engines.cancelling import Stopped
from headstart.engines.context import RunContext
from headstart.engines.events import ProgressMade, StageEnded, StageStarted, StepStarted
from headstart.engines.executor import SerialExecutor
from headstart.engines.reporters import JsonLinesReporter, SilentReporter
from headstart.sources import built_in

SOURCE = "tiny-static-embeddings"
STAGES = [
    "load",
    "rank",
    "embed",
    "adapt",
    "prove",
    "tune",
    "prove",
    "package",
]  # what is quick to prove comes before tuning


class Recorder(SilentReporter):
    """Keeps every event; cancels when one is as `stop` says."""

    def __init__(self, stop=lambda event: False):
        super().__init__()
        self.events, self.stop = [], stop

    def receive(self, event):
        self.events.append(event)
        if self.stop(event):
            self.cancel_token.cancel()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def _tiny_source(tmp_path_factory, monkeypatch):
    """A source of some kilobytes in a new cache."""
    folder = tmp_path_factory.mktemp("source")
    known = built_in._known() | tiny.open_all(("static-embeddings",), folder, monkeypatch)
    monkeypatch.setattr(built_in, "_known", lambda: known)


def fruit(n=60):
    """Texts in the words of the tiny source, labelled by the fruit in them."""
    rng = np.random.default_rng(0)
    labels = [("apple", "kiwi")[i % 2] for i in range(n)]
    return [
        " ".join([*rng.permutation(["good", "bad", "the"]), str(i), label]) for i, label in enumerate(labels)
    ], labels


def fit(out, **options):
    return headstart.fit(fruit(), out=out, source=SOURCE, **{"head": "ridge", "baselines": "simple", **options})


class TestContext:
    def test_a_stage_is_timed_and_told(self):
        recorder = Recorder()
        context = RunContext(reporter=recorder)
        for _ in range(2):
            with context.stage("embed"):
                pass
        assert recorder.of(StageStarted) == [StageStarted(stage="embed")] * 2
        ended = recorder.of(StageEnded)
        assert sum(one.seconds for one in ended) == pytest.approx(context.clock.seconds()["embed"], abs=2e-3)
        assert all(one.is_complete for one in ended)

    def test_a_stage_that_fails_is_told_as_well(self):
        recorder = Recorder()
        with pytest.raises(ZeroDivisionError), RunContext(reporter=recorder).stage("embed"):
            raise ZeroDivisionError
        (ended,) = recorder.of(StageEnded)
        assert not ended.is_complete

    def test_no_stage_begins_or_passes_once_it_is_cancelled(self):
        context = RunContext()

        def cancelled_inside():
            with context.stage("embed"):
                context.cancel_token.cancel()

        with pytest.raises(Stopped, match="embed"):
            cancelled_inside()
        with pytest.raises(Stopped, match="adapt"), context.stage("adapt"):
            pytest.fail("it began")

    def test_what_is_silent_hears_the_run_but_does_not_stop_it(self):
        run = RunContext(reporter=Recorder())
        one, other = run.silent(), run.silent()
        with one.progress("baseline", 3) as steps:
            steps.advance()
        assert run.reporter.events == []
        one.cancel_token.cancel()
        assert not run.cancel_token.is_cancelled
        run.cancel_token.cancel()
        assert other.cancel_token.is_cancelled

    def test_it_stops_after_its_seconds_or_with_the_run_and_tells_the_same_reporter(self):
        recorder = Recorder()
        context = RunContext(reporter=recorder).stopping_after(600.0)
        with context.stage("load"):
            pass
        assert recorder.of(StageStarted) == [StageStarted(stage="load")]
        recorder.cancel_token.cancel()
        assert context.cancel_token.is_cancelled
        over = RunContext(reporter=Recorder()).stopping_after(0.0)
        with pytest.raises(Stopped, match="load"), over.stage("load"):
            pass
        with pytest.raises(Stopped):
            list(over.map(abs, [1]))

    def test_the_executor_and_the_seed_are_those_of_the_context(self):
        context = RunContext(executor=SerialExecutor()).with_seed(7)
        assert context.seed == 7
        assert list(context.map(abs, [-1, 2])) == [1, 2]
        assert context.with_budget(5.0).clock.left_s <= 5.0

    @pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": True}, {"seed": 0.5}, {"budget_s": 0}])
    def test_what_cannot_be_is_refused(self, wrong):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            RunContext.default(**wrong)


@pytest.mark.usefixtures("_tiny_source")
class TestFit:
    def test_json_lines_say_every_stage_and_how_far_each_step_is(self, tmp_path):
        stream = io.StringIO()
        fit(tmp_path / "model", progress=JsonLinesReporter(stream))
        events = [json.loads(line) for line in stream.getvalue().splitlines()]
        told = {kind: [e["stage"] for e in events if e["event"] == kind] for kind in ("stage-started", "stage-ended")}
        assert told["stage-started"] == told["stage-ended"] == STAGES
        assert all(event["is_complete"] for event in events if event["event"] == "stage-ended")
        steps = [event for event in events if event["event"] == "progress-made"]
        assert steps
        for label in {step["label"] for step in steps}:
            done = [step["done"] for step in steps if step["label"] == label]
            assert done == sorted(done)
        assert all(step["seconds_left"] >= 0 for step in steps)
        assert "fitting the baseline constant" in [
            e["notice"]["message"] for e in events if e["event"] == "notice-given"
        ]

    def test_the_model_is_the_same_wherever_it_ran(self, tmp_path):
        threads = fit(tmp_path / "threads", baselines="none", progress=None, seed=3)
        serial = RunContext(seed=3, executor=SerialExecutor())
        serial = fit(tmp_path / "serial", baselines="none", context=serial)
        for name in ("model.onnx", "moments.safetensors"):
            assert (threads.bundle / name).read_bytes() == (serial.bundle / name).read_bytes()
        assert serial.report.evaluation.seed == 3

    @pytest.mark.parametrize(
        "stop",
        [
            lambda event: isinstance(event, StepStarted),
            lambda event: isinstance(event, ProgressMade),
            *[lambda event, stage=stage: event == StageStarted(stage=stage) for stage in STAGES[:-1]],
        ],
    )
    def test_a_cancelled_fit_leaves_no_bundle(self, tmp_path, stop):
        recorder = Recorder(stop)
        with pytest.raises(Stopped):
            fit(tmp_path / "model", progress=recorder)
        assert list(tmp_path.iterdir()) == []
        assert len(recorder.of(StageEnded)) == len(recorder.of(StageStarted)) < len(STAGES)

    def test_a_cancelled_fit_goes_on_where_it_was(self, tmp_path):
        with pytest.raises(Stopped):
            fit(tmp_path / "model", progress=Recorder(lambda event: event == StageStarted(stage="adapt")))
        recorder = Recorder()
        fit(tmp_path / "model", progress=recorder)
        embedding = next(step for step in recorder.of(StepStarted) if step.label.startswith("embedding"))
        assert embedding.done == embedding.total
