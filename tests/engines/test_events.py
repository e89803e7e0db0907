"""Events and who hears them: text for people, lines of JSON for programs."""

from __future__ import annotations

import io
import json

import pytest

from headstart.core.dataset import Notice
from headstart.engines import reporters
from headstart.engines.cancelling import CancelToken, Stopped
from headstart.engines.events import (
    Event,
    NoticeGiven,
    ProgressMade,
    Reporter,
    StageEnded,
    StageStarted,
    StepEnded,
    StepStarted,
)
from headstart.engines.reporters import JsonLinesReporter, SilentReporter, TextReporter, reporter_for

EVENTS = [
    StageStarted(stage="embed"),
    StepStarted(label="embedding", done=1, total=9),
    ProgressMade(label="embedding", done=9, total=9, n_new=8, seconds_left=0.0),
    StepEnded(label="embedding", done=9, total=9),
    NoticeGiven(notice=Notice(kind="plan", message="Größer", where=("a.csv row 1",))),
    StageEnded(stage="embed", seconds=1.25, is_complete=True),
]


def all_kinds():
    return Event.__subclasses__()


def test_every_kind_has_a_word_of_its_own_and_is_tried_here():
    assert len({kind.kind for kind in all_kinds()}) == len(all_kinds())
    assert {type(event) for event in EVENTS} == set(all_kinds())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_every_event_is_one_line_of_json(event):
    stream = io.StringIO()
    JsonLinesReporter(stream).receive(event)
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()) == json.loads(json.dumps(event.to_dict()))
    assert json.loads(stream.getvalue())["event"] == event.kind


@pytest.mark.parametrize("reporter", [SilentReporter(), TextReporter(io.StringIO()), JsonLinesReporter(io.StringIO())])
def test_every_reader_is_a_reporter_and_takes_every_event(reporter):
    assert isinstance(reporter, Reporter)
    assert reporter_for(reporter) is reporter
    for event in EVENTS:
        reporter.receive(event)


def test_what_people_read():
    stream = io.StringIO()
    for event in EVENTS:
        TextReporter(stream).receive(event)
    assert stream.getvalue().splitlines()[0] == "embedding: 1 of 9 from the cache"
    assert stream.getvalue().splitlines()[-1] == "Größer"


def test_json_has_a_line_a_second_of_a_step_and_the_last(monkeypatch):
    now = iter([0.0, 0.4, 1.2, 1.3])
    monkeypatch.setattr(reporters.time, "monotonic", lambda: next(now))
    stream = io.StringIO()
    reporter = JsonLinesReporter(stream)
    for done in (1, 2, 3, 4):
        reporter.receive(ProgressMade(label="embedding", done=done, total=4, n_new=1, seconds_left=None))
    assert [json.loads(line)["done"] for line in stream.getvalue().splitlines()] == [1, 3, 4]


def test_notices_stand_above_the_bars_of_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    reporter = TextReporter(stream)
    for label in ("searching", "training"):
        reporter.receive(StepStarted(label=label, done=0, total=3))
    reporter.receive(NoticeGiven(notice=Notice(kind="trial", message="[bold] is no markup")))
    for label in ("training", "searching"):
        reporter.receive(StepEnded(label=label, done=0, total=3))
    assert "[bold] is no markup" in stream.getvalue()


def test_a_stream_is_told_text_and_nothing_is_silence():
    assert isinstance(reporter_for(io.StringIO()), TextReporter)
    assert isinstance(reporter_for(None), SilentReporter)


@pytest.mark.parametrize("kind", [TextReporter, JsonLinesReporter])
def test_a_closed_stream_cancels(kind):
    stream = io.StringIO()
    reporter = kind(stream)
    stream.close()
    reporter.receive(EVENTS[0])
    assert reporter.cancel_token.is_cancelled


def test_a_token_is_cancelled_by_its_parent_and_not_the_other_way_round():
    parent = CancelToken()
    child, other = CancelToken(parent), CancelToken(parent)
    child.raise_if_cancelled()
    child.cancel()
    assert (child.is_cancelled, other.is_cancelled, parent.is_cancelled) == (True, False, False)
    parent.cancel()
    with pytest.raises(Stopped, match="embedding"):
        other.raise_if_cancelled("embedding")
