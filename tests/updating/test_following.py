"""A running stream of a registry is answered by the next champion, and its watch begins a new period: in processes that are killed."""

import email
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from headstart.monitoring.live_watch import LIVE_JSON
from headstart.storage.alias import CHAMPION, point_alias
from headstart.updating.opening import create_registry, open_registry

ENTRY = "import sys; from headstart.cli import main; sys.exit(main())"


@pytest.fixture
def registry(models, tmp_path):
    create_registry(tmp_path / "registry", models / "good")
    return tmp_path / "registry"


def write(path, make_table, n, *, seed, shift=0.0):
    rows = make_table(n, seed)
    with path.open("a") as file:
        for i in range(n):
            record = {"id": f"r{seed}-{i}", "a": rows["a"][i] + shift, "b": rows["b"][i], "c": rows["c"][i]}
            file.write(json.dumps(record) + "\n")


def promote(registry, bundle):
    with open_registry(registry) as opened:
        opened.promote(opened.add(bundle, "window"), "for a test")


@contextmanager
def start(registry, folder, *more):
    given = (
        registry, "--from", f"{folder / 'in.jsonl'}?follow=1", "--to", folder / "out.jsonl", "--key", "id",
        "--state", folder / "state", "--watch", folder / "watch", "--batch", "16", *more,
    )  # fmt: skip
    command = [sys.executable, "-c", ENTRY, "stream", *map(str, given)]
    environment = {**os.environ, "HEADSTART_THREADS": "1"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(process, is_done):
    end = time.monotonic() + 120
    while not is_done():
        assert time.monotonic() < end, "it took too long"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def answers(folder):
    path = folder / "out.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def live(folder):
    path = folder / "watch" / LIVE_JSON
    return json.loads(path.read_text()) if path.exists() else None


def period_of(folder):
    said = live(folder)
    return said and said["verdict"]["version"]


def end(process):
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=90)
    assert "Traceback" not in errors
    return process.returncode, json.loads(output), errors


@pytest.mark.parametrize("n_workers", [1, 2])
def test_the_next_champion_takes_over_and_the_watch_begins_anew(registry, models, make_table, tmp_path, n_workers):
    write(tmp_path / "in.jsonl", make_table, 700, seed=1)
    write(tmp_path / "in.jsonl", make_table, 700, seed=2, shift=1.5)
    with start(registry, tmp_path, "--workers", n_workers, "--mail", tmp_path / "mail", "--json") as process:
        wait(process, lambda: (said := live(tmp_path)) and said["verdict"]["n_records"] == 1_400)
        assert live(tmp_path)["verdict"]["exit_code"] == 3
        promote(registry, models / "bad")
        wait(process, lambda: period_of(tmp_path) == "2")
        write(tmp_path / "in.jsonl", make_table, 600, seed=3)
        wait(process, lambda: len(answers(tmp_path)) == 2_000)
        code, said, errors = end(process)
    assert code == 0
    assert said["watch"]["version"] == "2"
    assert "version 2 of registry answers now, in the place of version 1" in errors
    assert Counter(one["version"] for one in answers(tmp_path)) == {"1": 1_400, "2": 600}
    verdict = live(tmp_path)["verdict"]
    (period,) = verdict["periods"]
    assert (period["version"], period["n_records"], verdict["n_records"]) == ("1", 1_400, 600)
    (incident,) = period["incidents"]
    assert incident["ended"] == "version 2 answers"
    mails = [email.message_from_bytes(path.read_bytes()) for path in sorted((tmp_path / "mail").iterdir())]
    assert [one["Subject"] for one in mails] == [
        "headstart: registry: incident 1 opened",
        "headstart: registry: incident 1 is over",
    ]


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("delay_s", [0.0, 1.2])  # before the next champion is open, and about when it takes over
def test_killed_while_the_champion_changes_nothing_is_lost_or_doubled(
    registry, models, make_table, tmp_path, n_workers, delay_s
):
    n = 4_000
    write(tmp_path / "in.jsonl", make_table, n, seed=1)
    with start(registry, tmp_path, "--workers", n_workers) as process:
        wait(process, lambda: len(answers(tmp_path)) > n // 8)
        promote(registry, models / "bad")
        time.sleep(delay_s)
        process.kill()
        process.communicate()
    write(
        tmp_path / "in.jsonl", make_table, 200, seed=2
    )  # however far the first had come, some are left for the next champion
    keys = [f"r1-{i}" for i in range(n)] + [f"r2-{i}" for i in range(200)]
    n += 200
    with start(registry, tmp_path, "--workers", n_workers, "--json") as process:
        wait(process, lambda: len(answers(tmp_path)) == n and live(tmp_path)["course"]["n_records"] == n)
        _, said, _ = end(process)
    found = answers(tmp_path)
    assert len({one["key"] for one in found}) == n
    assert {one["version"] for one in found} == {"1", "2"}
    if n_workers == 1:  # in the order of the records, and no answer of the former champion after one of the next
        assert [one["key"] for one in found] == keys
        assert [version for version, _ in itertools.groupby(one["version"] for one in found)] == ["1", "2"]
    verdict = live(tmp_path)["verdict"]
    assert said["watch"]["version"] == verdict["version"] == "2"
    assert sum(one["n_records"] for one in verdict["periods"]) + verdict["n_records"] == n


def test_a_stream_ends_with_the_verdict_of_its_watch(registry, make_table, tmp_path):
    write(tmp_path / "in.jsonl", make_table, 300, seed=1, shift=2.0)
    with start(registry, tmp_path, "--json") as process:
        wait(process, lambda: (said := live(tmp_path)) and said["verdict"]["n_records"] == 300)
        code, said, errors = end(process)
    assert code == said["watch"]["exit_code"] == 3
    assert (said["watch"]["status"], said["n_records"]) == ("alarm", 300)
    assert said["watch"]["incidents"][0]["is_open"]
    assert said["watch"]["sentence"] in errors
    known = subprocess.run(
        [sys.executable, "-c", ENTRY, "watch", registry, "--open", tmp_path / "watch", "--acknowledge", "a test"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert known.returncode == 0, known.stderr
    with start(registry, tmp_path, "--json") as process:
        wait(process, lambda: live(tmp_path)["verdict"]["incidents"][0]["known"] == "a test")
        code, said, _ = end(process)
    assert (code, said["watch"]["status"]) == (0, "steady")


def test_a_champion_that_cannot_answer_does_not(registry, models, make_table, tmp_path):
    write(tmp_path / "in.jsonl", make_table, 100, seed=1)
    with start(registry, tmp_path, "--json") as process:
        wait(process, lambda: len(answers(tmp_path)) == 100)
        with open_registry(registry) as opened:
            number = opened.add(models / "bad", "window")
            model = Path(opened.path(number)) / "model.onnx"
            content = model.read_bytes()
            model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        point_alias(registry, CHAMPION, number)  # the registry itself would refuse it
        time.sleep(2.5)
        write(tmp_path / "in.jsonl", make_table, 100, seed=2)
        wait(process, lambda: len(answers(tmp_path)) == 200)
        _, said, errors = end(process)
    assert "the new champion cannot answer, so version 1 goes on" in errors
    assert Counter(one["version"] for one in answers(tmp_path)) == {"1": 200}
    assert said["n_records"] == 200
