import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from labelled_log import fit_tiny, log_answers
from tiny_watch import draw

import headstart
from headstart.core.errors import OptionError
from headstart.monitoring.answer_log import read_log
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.live_watch import LABELS_DB, LIVE_JSON
from headstart.monitoring.looking_on import follow_log, looking_on, open_live

ENTRY = "import sys; from headstart.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return fit_tiny(tmp_path_factory.mktemp("looking"))


def write_records(path, n, *, seed):
    items, _, labels = draw(n, seed=seed)
    path.write_text("".join(json.dumps({"id": f"r{seed}-{i}", **item}) + "\n" for i, item in enumerate(items)))
    return labels


def run(*words, **how):
    return subprocess.run(
        [sys.executable, "-c", ENTRY, *map(str, words)], text=True, capture_output=True, timeout=120, check=False, **how
    )


def test_a_stream_is_watched_logged_and_labelled(bundle, tmp_path) -> None:
    labels = write_records(tmp_path / "in.jsonl", 150, seed=1)
    with (tmp_path / "in.jsonl").open("a") as file:
        file.write("no JSON\n")
    done = run(
        "stream", bundle, "--from", "-", "--to", tmp_path / "out.jsonl", "--key", "id", "--watch", tmp_path / "watch",
        "--prediction-log", tmp_path / "log", "--log-items", "--progress", "none",
        input=(tmp_path / "in.jsonl").read_text(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "watch" / LIVE_JSON).read_text())
    assert (said["verdict"]["n_records"], said["course"]["n_records"], said["course"]["n_dead"]) == (150, 151, 1)
    assert said["course"]["blocks"][0]["p50_ms"] > 0
    records, _ = next(iter(read_log(tmp_path / "log", 2)))
    assert sorted(record.key for record in records) == sorted(f"r1-{i}" for i in range(150))
    with LabelStore(tmp_path / "watch" / LABELS_DB) as store:
        store.give((f"r1-{i}", label) for i, label in enumerate(labels))
    with looking_on(bundle, watch=tmp_path / "watch", trust=()):
        pass
    assert json.loads((tmp_path / "watch" / LIVE_JSON).read_text())["verdict"]["n_labels"] == 150


def test_the_log_of_a_server_is_followed(bundle, tmp_path) -> None:
    model = headstart.load_bundle(bundle, trust=())
    live = open_live(model, tmp_path / "watch", name="m")
    stop = threading.Event()
    thread = threading.Thread(target=follow_log, args=(live, tmp_path / "log", stop))
    thread.start()
    for seed in (1, 2):
        log_answers(model, tmp_path / "log", 40, seed=seed)
        end = time.monotonic() + 30
        while live.monitor.n_records < 40 * seed and time.monotonic() < end:
            time.sleep(0.05)
    stop.set()
    thread.join()
    said = json.loads((tmp_path / "watch" / LIVE_JSON).read_text())
    assert said["verdict"]["n_records"] == said["course"]["n_records"] == 80
    again = open_live(model, tmp_path / "watch", name="m")
    stop.set()
    follow_log(again, tmp_path / "log", stop)
    assert again.monitor.n_records == 80


def test_items_need_a_place(bundle) -> None:
    with pytest.raises(OptionError, match="--log-items needs a place"), looking_on(bundle, log_items=True):
        pass


def test_the_live_page_is_shown_until_it_is_ended(bundle, tmp_path) -> None:
    words = [sys.executable, "-c", ENTRY, "watch", bundle, "--open", tmp_path / "watch", "--no-browser"]
    with subprocess.Popen([*map(str, words)], stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        url = line.split(" is shown at ")[1].split()[0].rstrip(".")
        with urllib.request.urlopen(url, timeout=10) as reply:
            assert b"EventSource" in reply.read()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_labels_are_asked_for_and_taken_as_files(bundle, tmp_path) -> None:
    model = headstart.load_bundle(bundle, trust=())
    log_answers(model, tmp_path / "log", 20, seed=1)
    here = ("label", bundle, "--log", tmp_path / "log", "--labels", tmp_path / "labels.db")
    done = run(*here, "--ask", tmp_path / "ask.csv", "--n", "5", "--json")
    assert json.loads(done.stdout) == {"asked": 5, "labeled": 0}
    text = (tmp_path / "ask.csv").read_text().splitlines()
    filled = [text[0], *(line.replace(",,", ",yes,", 1) for line in text[1:4]), *text[4:]]
    (tmp_path / "filled.csv").write_text("\n".join(filled) + "\n")
    done = run(*here, "--csv", tmp_path / "filled.csv", "--out", tmp_path / "labeled.csv", "--json")
    assert json.loads(done.stdout) == {"taken": 3, "without_answer": 0, "written": 3, "labeled": 3}
    done = run("label", bundle, "--log", tmp_path / "none", "--labels", tmp_path / "labels.db")
    assert done.returncode != 0
    assert "holds no prediction log" in done.stderr
    assert "Traceback" not in done.stderr


def start(*words):
    command = [sys.executable, "-c", ENTRY, "stream", *map(str, words)]
    environment = {**os.environ, "HEADSTART_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


def children(process):
    """Of a process, once there are some."""
    end = time.monotonic() + 30
    while not (listed := Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()):
        assert time.monotonic() < end, "no worker was started"
        time.sleep(0.01)
    return [int(one) for one in listed]


def n_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for_lines(path, n, process):
    end = time.monotonic() + 90
    while n_lines(path) < n:
        assert time.monotonic() < end, "it took too long"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.parametrize("n_workers", [1, 2])  # each starts processes, which takes seconds
def test_killed_at_any_time_every_record_is_watched_once(bundle, tmp_path, n_workers) -> None:
    n, out = 6_000, tmp_path / "out.jsonl"
    write_records(tmp_path / "in.jsonl", n, seed=1)
    words = (
        bundle, "--from", tmp_path / "in.jsonl", "--to", out, "--key", "id", "--state", tmp_path / "state", "--batch", "16",
        "--workers", n_workers, "--watch", tmp_path / "watch", "--progress", "none",
    )  # fmt: skip
    for share in (0.2, 0.5):
        with start(*words) as process:
            wait_for_lines(out, share * n, process)
            if n_workers > 1:
                os.kill(children(process)[0], signal.SIGKILL)  # another takes its place
                wait_for_lines(out, share * n + 200, process)
            process.kill()
    done = run("stream", *words)
    assert done.returncode == 0, done.stderr
    assert n_lines(out) == n
    said = json.loads((tmp_path / "watch" / LIVE_JSON).read_text())
    assert (said["verdict"]["n_records"], said["course"]["n_records"]) == (n, n)
    assert sum(sum(block["answers"].values()) for block in said["course"]["blocks"]) == n


def test_a_log_of_answers_is_of_one_process(bundle, tmp_path) -> None:
    done = run("stream", bundle, "--from", tmp_path / "a.jsonl", "--prediction-log", tmp_path / "l", "--workers", "2")
    assert "--prediction-log looks on at one process" in done.stderr
    done = run("watch", bundle, "--open", tmp_path / "w", "--state", tmp_path / "s", "--no-browser")
    assert "--state does not go with --open" in done.stderr
