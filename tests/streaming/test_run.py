"""Tests of `streaming/run.py`, `workers.py`, `prometheus.py` and `cli/stream.py`: whole streams in processes of their own."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

import headstart
from headstart.core.errors import BundleError, DataError, OptionError
from headstart.engines.reporters import SilentReporter
from headstart.testing.small_bundles import make_items

TEXTS = list(make_items("products")[0])
PATIENCE_S = 120


def write_lines(path, n, *, start=0, mode="w"):
    with path.open(mode) as out:
        out.writelines(json.dumps({"id": i, "text": TEXTS[i % len(TEXTS)]}) + "\n" for i in range(start, start + n))


def keys(path):
    return [json.loads(line)["key"] for line in path.read_bytes().splitlines()]


def start(*words, **settings):
    command = [sys.executable, "-m", "headstart.cli", "stream", *map(str, words)]
    command[1:3] = ["-c", "from headstart.cli import main; main()"]
    environment = {**os.environ, "HEADSTART_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **settings
    )


def wait_until(holds, process=None):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it took too long"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def n_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


class TestInPython:
    def test_from_a_file_to_a_file(self, texts_bundle, tmp_path):
        write_lines(tmp_path / "in.jsonl", 200)
        summary = headstart.stream(texts_bundle, tmp_path / "in.jsonl", tmp_path / "out.jsonl", key="id", progress=None)
        assert keys(tmp_path / "out.jsonl") == [str(i) for i in range(200)]
        assert (summary.n_records, summary.n_dead) == (200, 0)
        assert set(summary.to_dict()) == {
            "n_records",
            "n_dead",
            "n_repeated",
            "n_duplicates",
            "seconds",
            "p50_ms",
            "p99_ms",
        }

    def test_the_answers_are_those_of_the_bundle(self, texts_bundle, tmp_path):
        write_lines(tmp_path / "in.jsonl", 100)
        headstart.stream(texts_bundle, tmp_path / "in.jsonl", tmp_path / "out.jsonl", progress=None)
        labels = [json.loads(line)["label"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert labels == headstart.load_bundle(texts_bundle).predict(TEXTS[:100])

    def test_run_again_it_goes_on_where_it_was(self, texts_bundle, tmp_path):
        source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        settings = {"state": tmp_path / "state", "progress": None}
        write_lines(source, 50)
        headstart.stream(texts_bundle, source, target, **settings)
        write_lines(source, 30, start=50, mode="a")
        assert headstart.stream(texts_bundle, source, target, **settings).n_records == 30
        assert headstart.stream(texts_bundle, source, target, progress=None).n_records == 80  # without: all of it again
        assert n_lines(target) == len(set(keys(target))) == 80

    def test_dead_letters(self, texts_bundle, tmp_path):
        (tmp_path / "in.jsonl").write_text('{"text": "kiwi"}\n{"text": null}\nnone\n{"text": "apple"}\n')
        places = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
        summary = headstart.stream(texts_bundle, *places, dead=str(tmp_path / "dead.jsonl"), progress=None)
        assert (summary.n_records, summary.n_dead, n_lines(places[1])) == (4, 2, 2)
        letters = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
        assert [one["raw"] for one in letters] == ['{"text": null}', "none"]
        assert "not JSON" in letters[1]["error"]

    def test_records_of_one_key_are_answered_once_counted_and_said_once(self, texts_bundle, tmp_path):
        (tmp_path / "in.jsonl").write_text("".join(f'{{"id": {i % 3}, "text": "kiwi"}}\n' for i in range(90)))
        said = io.StringIO()
        places = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
        summary = headstart.stream(texts_bundle, *places, key="id", batch=7, progress=said)
        assert (summary.n_records, summary.n_duplicates, n_lines(places[1])) == (90, 87, 3)
        assert said.getvalue().count("whose key was answered before") == 1
        assert "87 left out as their key was written before" in str(summary)

    def test_a_token_stops_it(self, texts_bundle, tmp_path):
        write_lines(tmp_path / "in.jsonl", 20)
        reporter = SilentReporter()
        threading.Timer(1.0, reporter.cancel_token.cancel).start()
        summary = headstart.stream(
            texts_bundle, f"{tmp_path}/in.jsonl?follow=1", tmp_path / "out.jsonl", progress=reporter
        )
        assert summary.n_records == n_lines(tmp_path / "out.jsonl") == 20

    def test_inside_a_running_loop(self, texts_bundle, tmp_path):
        import asyncio

        write_lines(tmp_path / "in.jsonl", 5)

        async def notebook():
            return headstart.stream(texts_bundle, tmp_path / "in.jsonl", tmp_path / "out.jsonl", progress=None)

        assert asyncio.run(notebook()).n_records == 5

    def test_observers(self, texts_bundle, tmp_path):
        write_lines(tmp_path / "in.jsonl", 70)
        seen = []
        headstart.stream(
            texts_bundle,
            tmp_path / "in.jsonl",
            tmp_path / "out.jsonl",
            progress=None,
            observers=[lambda records, items, outputs: seen.append((len(records), items[0], outputs.shape))],
        )
        assert sum(n for n, _, _ in seen) == 70
        assert seen[0][1:] == (TEXTS[0], (seen[0][0], 2))

    @pytest.mark.parametrize(
        ("settings", "error", "words"),
        [
            ({"batch": 0}, OptionError, "batch must be 1 or more"),
            ({"state": "{in}"}, OptionError, "is a file, and a folder is needed for the state"),
            ({"from_": "{in}?format=csv"}, DataError, "is JSON lines, not CSV"),
            ({"latency_ms": float("nan")}, OptionError, "latency_ms must be 0 or more"),
            ({"max_megapixels": 0}, OptionError, "max_megapixels must be a number above 0"),
            ({"max_megapixels": float("inf")}, OptionError, "max_megapixels must be a number above 0"),
            ({"workers": 100_000}, OptionError, "256 are the most"),
            ({"cloudevents": "xml"}, OptionError, "no form of CloudEvents named 'xml'"),
            ({"workers": 2, "observers": [print]}, OptionError, "need workers=1"),
            ({"dead": "{in}"}, OptionError, "is also the input"),
            ({"from_": "{in}?folow=1"}, OptionError, "Did you mean 'follow'"),
            ({"from_": "{in}?follow=2"}, OptionError, "must be 1 or 0"),
            ({"from_": "natss://x/y"}, OptionError, "no connector named 'natss'"),
            ({"from_": "missing.jsonl"}, DataError, "no file missing.jsonl"),
            ({"to": "{in}"}, OptionError, "both where records come from"),
            ({"to": "./x/../in.jsonl"}, OptionError, "both where records come from"),
            ({"from_": "./", "to": "x/../out.jsonl"}, OptionError, "all of whose files are records"),
            ({"dead": "x/../in.jsonl"}, OptionError, "is also the input"),
            ({"to": "out.csv"}, OptionError, "JSON lines"),
            ({"to": ""}, OptionError, "an address is empty"),
            ({"to": "redis:/localhost/x"}, OptionError, "Write redis://localhost/x"),
            ({"from_": "two.xlsx"}, OptionError, "a stream reads CSV and JSON lines"),
            ({"from_": "-", "to": "x.jsonl", "workers": 2}, OptionError, "cannot share standard input"),
            ({"from_": "http://x/y", "workers": 2}, OptionError, "every worker would hear all"),
            ({"from_": "sqlite://"}, OptionError, "names no database"),
            ({"bundle": "nothing"}, BundleError, "nothing"),
        ],
    )
    def test_what_is_wrong_is_said(self, texts_bundle, tmp_path, monkeypatch, settings, error, words):
        monkeypatch.chdir(tmp_path)
        write_lines(tmp_path / "in.jsonl", 1)
        said = {
            name: value.replace("{in}", "in.jsonl") if isinstance(value, str) else value
            for name, value in settings.items()
        }
        bundle, from_, to = (
            said.pop(name, given)
            for name, given in {"bundle": texts_bundle, "from_": "in.jsonl", "to": "out.jsonl"}.items()
        )
        with pytest.raises(error, match=words):
            headstart.stream(bundle, from_, to, progress=None, **said)

    @pytest.mark.parametrize("words", [["{bundle}"], ["{bundle}/out.jsonl"], ["out.jsonl", "{bundle}/dead.jsonl"]])
    def test_nothing_is_written_into_the_bundle(self, texts_bundle, tmp_path, words):
        write_lines(tmp_path / "in.jsonl", 1)
        to, *dead = (str(tmp_path / word.replace("{bundle}", str(texts_bundle))) for word in words)
        with pytest.raises(OptionError, match="lies in the bundle"):
            headstart.stream(texts_bundle, tmp_path / "in.jsonl", to, dead=next(iter(dead), None), progress=None)


class TestCommand:
    def test_a_pipe(self, texts_bundle):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:30])
        said, told = start(texts_bundle, "--from", "-", stdin=subprocess.PIPE).communicate(lines, PATIENCE_S)
        answers = [json.loads(line) for line in said.splitlines()]
        assert [one["label"] for one in answers] == headstart.load_bundle(texts_bundle).predict(TEXTS[:30])
        assert "30 records in" in told
        assert len({one["key"] for one in answers}) == 30

    def test_an_answer_comes_before_the_next_question(self, texts_bundle):
        process = start(texts_bundle, "--from", "-", "--latency-ms", "1", stdin=subprocess.PIPE)
        for text in TEXTS[:5]:
            process.stdin.write(json.dumps(text) + "\n")
            process.stdin.flush()
            assert "label" in json.loads(process.stdout.readline())
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("workers", [1, 2])
    def test_signals_finish_what_was_received(self, texts_bundle, tmp_path, number, workers):
        database = tmp_path / "queue.db"
        fill(database, 300)
        place = f"sqlite://{database}"
        process = start(
            texts_bundle, "--from", place, "--to", tmp_path / "out.jsonl", "--workers", workers, "--progress", "json"
        )
        wait_until(lambda: n_lines(tmp_path / "out.jsonl") > 0, process)
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, told
        done = {f"queue:{row}" for row, state in states(database) if state == "done"}
        assert done == set(keys(tmp_path / "out.jsonl"))
        assert {state for _, state in states(database)} <= {"done", None}
        notices = [json.loads(line)["notice"] for line in told.splitlines()]
        assert notices[-1]["kind"] == "result"

    def test_killed_workers_are_replaced_and_nothing_is_lost_or_doubled(self, texts_bundle, tmp_path):
        database = tmp_path / "queue.db"
        fill(database, 6000)
        out = f"sqlite://{tmp_path / 'out.db'}"
        place = f"sqlite://{database}?follow=0"
        process = start(texts_bundle, "--from", place, "--to", out, "--workers", 2, "--batch", 8, "--json")
        wait_until(lambda: sum(state == "done" for _, state in states(database)) > 100, process)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        _, told = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, told
        assert "another takes its place" in told
        with sqlite3.connect(tmp_path / "out.db") as connection:
            written = [key for (key,) in connection.execute("SELECT key FROM answers")]
        connection.close()
        assert sorted(written) == sorted(f"queue:{i}" for i in range(1, 6001))
        assert all(state == "done" for _, state in states(database))

    def test_killed_while_it_writes_a_file_nothing_is_lost_or_doubled(self, texts_bundle, tmp_path):
        source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        write_lines(source, 3000)
        words = (texts_bundle, "--from", source, "--to", target, "--state", tmp_path / "state", "--batch", 4)
        for n in (20, 200):
            process = start(*words)
            wait_until(lambda n=n: n_lines(target) > n, process)
            process.kill()
            process.communicate()
        process = start(*words)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert len(keys(target)) == len(set(keys(target))) == 3000

    def test_prometheus_may_ask(self, texts_bundle, tmp_path):
        write_lines(tmp_path / "in.jsonl", 40)
        for workers in (1, 2):
            process = start(
                texts_bundle,
                *("--from", f"{tmp_path}/in.jsonl?follow=1", "--to", tmp_path / f"out-{workers}.jsonl"),
                *("--metrics-port", 0, "--workers", workers),
            )
            url = re.search(r"http://\S+", process.stderr.readline())[0]
            wait_until(lambda workers=workers: n_lines(tmp_path / f"out-{workers}.jsonl") == 40, process)

            def figures(url=url):
                return urllib.request.urlopen(url, timeout=10).read().decode()

            wait_until(lambda: re.search(r'records_total\{model="texts",outcome="answered"\} 40.0', figures()), process)
            assert "headstart_stream_seconds_bucket" in figures()
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0

    def test_a_taken_port_is_named(self, texts_bundle, tmp_path):
        import socket

        write_lines(tmp_path / "in.jsonl", 1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(OptionError, match=f"port {port}"):
                headstart.stream(
                    texts_bundle, tmp_path / "in.jsonl", tmp_path / "o.jsonl", metrics_port=port, progress=None
                )

    def test_json_and_answers_do_not_mix(self, texts_bundle):
        process = start(texts_bundle, "--from", "x", "--json")
        assert "--json prints on standard output" in process.communicate(timeout=PATIENCE_S)[1]
        assert process.returncode == 2

    def test_a_worker_that_fails_says_why(self, texts_bundle, tmp_path):
        process = start(texts_bundle, "--from", tmp_path / "no.jsonl", "--to", tmp_path / "o.jsonl", "--workers", 2)
        assert "there is no file" in process.communicate(timeout=PATIENCE_S)[1]
        assert process.returncode == 2


def fill(database, n):
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, content TEXT, state TEXT)")
    connection.executemany(
        "INSERT INTO queue (content) VALUES (?)", [(json.dumps({"text": TEXTS[i % len(TEXTS)]}),) for i in range(n)]
    )
    connection.commit()
    connection.close()


def states(database):
    connection = sqlite3.connect(database, timeout=30)
    try:
        return connection.execute("SELECT id, state FROM queue").fetchall()
    finally:
        connection.close()


def children(process):
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
