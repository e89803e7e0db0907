"""The option --progress: who hears a command, and what Ctrl-C does."""

import json
import os
import signal
import sys
import threading

import numpy as np
import pytest

import tiny
from headstart.cli import main
from headstart.cli.progress import reporting
from headstart.core.errors import OptionError
from headstart.engines.cancelling import Stopped
from headstart.engines.reporters import JsonLinesReporter, TextReporter
from headstart.sources import built_in

SOURCE = "tiny-static-embeddings"


@pytest.fixture
def table(tmp_path_factory, monkeypatch):
    """Texts with two labels, and a source of some kilobytes."""
    folder = tmp_path_factory.mktemp("table")
    known = built_in._known() | tiny.open_all(("static-embeddings",), folder, monkeypatch)
    monkeypatch.setattr(built_in, "_known", lambda: known)
    rng = np.random.default_rng(0)
    fruits = [("apple", "kiwi")[i % 2] for i in range(60)]
    rows = [f"{' '.join(rng.choice(tiny.WORDS[4:14], 6))} {fruit},{fruit}" for fruit in fruits]
    path = folder / "fruit.csv"
    path.write_text("\n".join(["text,fruit", *rows]))
    return path


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def words(command, table, out):
    fit = ["fit", table, "--source", SOURCE, "--head", "ridge", "--baselines", "simple", "--out", out]
    return {"fit": fit, "rank": ["rank", table, "--source", SOURCE], "embed": ["embed", table, "--out", f"{out}.npy"]}[
        command
    ]


@pytest.mark.parametrize("command", ["fit", "rank", "embed"])
class TestEveryCommand:
    def test_json_is_an_event_a_line_and_the_figures_stay_on_standard_output(self, run, table, tmp_path, command):
        more = ["--source", SOURCE] if command == "embed" else []
        code, out, err = run(*words(command, table, tmp_path / "out"), *more, "--progress", "json", "--json")
        events = [json.loads(line) for line in err.splitlines()]
        assert code == 0, err
        assert json.loads(out)
        started, ended = ([e["stage"] for e in events if e["event"] == f"stage-{end}"] for end in ("started", "ended"))
        assert started == ended != []
        assert events[-1]["notice"]["kind"] == "result"

    def test_none_leaves_the_result(self, run, table, tmp_path, command):
        more = ["--source", SOURCE] if command == "embed" else []
        code, out, err = run(*words(command, table, tmp_path / "out"), *more, "--progress", "none")
        assert (code, out) == (0, ""), err
        assert err
        assert "from the cache" not in err
        assert "proving against" not in err


def test_prove_and_compress_tell_their_stages(run, table, tmp_path):
    assert run(*words("fit", table, tmp_path / "model"))[0] == 0
    stages = {}
    for command in (["prove"], ["compress", "--out", tmp_path / "small", "--method", "fp16"]):
        _, _, err = run(command[0], tmp_path / "model", table, *command[1:], "--progress", "json")
        events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        stages[command[0]] = [event["stage"] for event in events if event["event"] == "stage-ended"]
    assert stages["prove"] == ["load", "predict", "prove"]
    assert stages["compress"][:2] == ["load", "compress"]


def test_an_unknown_word_is_refused_before_the_work(run, table, tmp_path):
    code, out, err = run(*words("fit", table, tmp_path / "model"), "--progress", "jsn")
    assert (code, out) == (2, "")
    assert "Did you mean 'json'" in err
    assert not (tmp_path / "model").exists()


def test_ctrl_c_cancels_and_says_how_to_go_on(run, table, tmp_path, monkeypatch):
    def press(self, event):
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(TextReporter, "receive", press)
    code, _, err = run(*words("fit", table, tmp_path / "model"))
    assert code == 130
    assert err == "headstart: interrupted; run the same command again and it goes on where it was\n"
    assert not (tmp_path / "model").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_cancelled_run_ends_like_an_interrupted_one(run, table, tmp_path, monkeypatch):
    def stop(self, event):
        self.cancel_token.cancel()

    monkeypatch.setattr(JsonLinesReporter, "receive", stop)
    code, _, err = run(*words("fit", table, tmp_path / "model"), "--progress", "json")
    assert (code, err.count("\n")) == (130, 1)


def test_ctrl_c_reaches_the_work_of_other_threads():
    def press():
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(5)

    with reporting("none") as voice:
        with pytest.raises(KeyboardInterrupt):
            press()
        with pytest.raises(Stopped):
            voice.reporter.cancel_token.raise_if_cancelled()


def test_nothing_else_is_a_format():
    with pytest.raises(OptionError, match="auto, json, none"), reporting("loud"):
        pass
