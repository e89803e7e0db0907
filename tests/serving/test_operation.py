"""A server while things happen to it: models change under load, it is told to end, a worker is killed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from load import Load
from running import start_server

from headstart.storage.alias import point_alias

TOKEN = "a-token-of-some-length"
BODY = json.dumps({"items": ["kiwi plum plum"]})


@pytest.fixture
def registry(tmp_path, words_bundle):
    """A folder of models: words/1."""
    shutil.copytree(words_bundle, tmp_path / "models" / "words" / "1")
    return tmp_path / "models"


@pytest.mark.parametrize("n_workers", [1, 2])
def test_models_change_under_load_and_no_request_fails(registry, words_bundle, n_workers):
    server = start_server(registry, "--workers", n_workers, "--quiet", token=TOKEN)
    try:
        with Load(server) as load:
            shutil.copytree(words_bundle, registry / "words" / "2")
            reply = server.post("/v2/repository/models/words/load", "")
            assert reply.json == {"name": "words", "versions": ["1", "2"]}
            end = time.monotonic() + 20
            while load.answers["2"] < 50 and time.monotonic() < end:
                time.sleep(0.02)
            shutil.rmtree(registry / "words" / "1")
            server.process.send_signal(signal.SIGHUP)
            while server.get("/v2/models/words").json["versions"] != ["2"] and time.monotonic() < end:
                time.sleep(0.02)
            load.wait_for(20)
        assert load.lost == []
        assert set(load.answers) == {"1", "2"}
    finally:
        assert server.stop() == 0
    assert ["words@2"] in [line.get("models") for line in server.log]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_promotion_under_load_is_followed_and_no_request_fails(tmp_path, words_bundle, n_workers):
    """Nobody tells the server: it looks at the alias."""
    folder = tmp_path / "words"
    for number in ("1", "2"):
        shutil.copytree(words_bundle, folder / "versions" / number)
    point_alias(folder, "champion", 1)
    server = start_server(folder, "--workers", n_workers, "--quiet", token=TOKEN)
    try:
        with Load(server) as load:
            for number in (2, 1, 2):
                seen, end = load.answers[str(number)], time.monotonic() + 60
                point_alias(folder, "champion", number)
                while load.answers[str(number)] < seen + 50 and time.monotonic() < end:
                    time.sleep(0.02)
                assert load.answers[str(number)] >= seen + 50
        assert load.lost == []
        assert set(load.answers) == {"1", "2"}
        assert server.get("/v2/models/words").json["versions"] == ["2"]
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("n_workers", [1, 2])
def test_told_to_end_under_load_it_answers_what_it_accepted(words_bundle, n_workers):
    server = start_server(words_bundle, "--workers", n_workers, "--quiet", token=TOKEN)
    with Load(server, n_clients=6) as load:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
    server.stop()
    assert load.lost == []
    assert set(load.answers) == {"1"}


def workers_of(server):
    return {int(p) for p in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()}


def test_a_worker_that_is_killed_is_replaced(words_bundle):
    server = start_server(words_bundle, "--workers", 2, "--quiet", token=TOKEN)
    try:
        before = workers_of(server)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        end = time.monotonic() + 20
        while len(workers_of(server) - before) < 1 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(workers_of(server)) == 2
        assert {server.post("/v1/predict", BODY).status for _ in range(20)} == {200}
        assert 'status="200"' in server.get("/metrics").body.decode()
    finally:
        assert server.stop() == 0
    assert [line["ended"] for line in server.log if line["event"] == "worker"] == [min(before)]


def test_a_damaged_version_changes_nothing(registry, words_bundle):
    server = start_server(registry, "--quiet", token=TOKEN)
    try:
        shutil.copytree(words_bundle, registry / "words" / "2")
        (registry / "words" / "2" / "model.onnx").write_bytes(b"x")
        reply = server.post("/v2/repository/models/words/load", "")
        assert reply.status == 400
        assert "model.onnx has 1 bytes" in reply.json["error"]
        server.process.send_signal(signal.SIGHUP)
        assert server.post("/v1/predict", BODY).json["version"] == "1"
    finally:
        server.stop()
    assert any("model.onnx has 1 bytes" in line.get("error", "") for line in server.log)


def test_too_much_at_once_is_answered_429(words_bundle):
    server = start_server(words_bundle, "--max-queue", 8, "--max-items", 8, "--quiet", token=TOKEN)
    many = json.dumps({"items": ["kiwi " * 20_000] * 8})
    replies = []
    askers = [threading.Thread(target=lambda: replies.append(server.post("/v1/predict", many))) for _ in range(8)]
    try:
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(20)
        refused = [reply for reply in replies if reply.status == 429]
        assert 1 <= len(refused) <= 7
        assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
        assert {reply.status for reply in replies} == {200, 429}
        assert server.post("/v1/predict", {"items": ["kiwi"] * 8}).status == 200
    finally:
        server.stop()


def test_what_takes_too_long_is_given_up(words_bundle):
    server = start_server(words_bundle, "--timeout-s", "0.3", token=TOKEN)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        headers = {"content-length": "100", "authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/v1/predict", b"{", headers)  # and the rest never comes
        reply = connection.getresponse()
        assert reply.status == 504
        assert "too long" in json.loads(reply.read())["error"]
        connection.close()
    finally:
        assert server.stop() == 0


STUCK = """
import threading, time
from headstart.packaging import Bundle
run, is_warm = Bundle.run, threading.Event()
def stuck(self, batch):
    time.sleep(60) if is_warm.is_set() else is_warm.set()  # the first item is the one that warms it up
    return run(self, batch)
Bundle.run = stuck
"""


def test_work_that_outlives_its_time_does_not_hold_up_the_end(words_bundle):
    server = start_server(words_bundle, "--timeout-s", 1, "--quiet", before=STUCK)
    assert server.post("/v1/predict", {"items": ["kiwi"]}).status == 504
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 1 + 5


def test_where_all_work_a_newcomer_is_told(words_bundle):
    server = start_server(words_bundle, "--timeout-s", 3, "--max-connections", 1, "--quiet", before=STUCK)
    try:
        working = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        working.request("POST", "/v1/predict", BODY, {"content-type": "application/json"})
        time.sleep(0.5)
        reply = server.get("/v2/health/live")
        assert reply.status == 503
        assert "as many requests as it can" in reply.json["error"]
        assert working.getresponse().status == 504
        working.close()
    finally:
        server.stop()


def test_workers_end_with_a_supervisor_that_is_killed(words_bundle, tmp_path):
    server = start_server(words_bundle, "--workers", 2, "--quiet", token=TOKEN, TMPDIR=str(tmp_path))
    workers = workers_of(server)
    assert len(list(tmp_path.iterdir())) == 1
    server.process.kill()
    end = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    assert list(tmp_path.iterdir()) == []
    server.stop()


def wait_for_figure(server, n_answered):
    wanted = f'headstart_requests_total{{model="words",status="200",version="1"}} {n_answered}.0'
    end = time.monotonic() + 20
    while wanted not in (figures := server.get("/metrics").body.decode()) and time.monotonic() < end:
        time.sleep(0.02)
    assert wanted in figures


def test_figures_stay_and_their_files_do_not_pile_up_when_workers_change(words_bundle, tmp_path):
    server = start_server(words_bundle, "--workers", 2, "--quiet", token=TOKEN, TMPDIR=str(tmp_path))
    try:
        (folder,) = tmp_path.iterdir()
        for _ in range(20):
            server.post("/v1/predict", BODY)
        n_files = len(list(folder.iterdir()))
        for n_changed in range(3):
            wait_for_figure(server, 20 + n_changed)  # an answer is counted after it was sent
            before = workers_of(server)
            os.kill(min(before), signal.SIGKILL)
            end = time.monotonic() + 20
            while (len(workers_of(server)) < 2 or workers_of(server) == before) and time.monotonic() < end:
                time.sleep(0.02)
            server.post("/v1/predict", BODY)
        wait_for_figure(server, 23)
        assert len(list(folder.iterdir())) <= n_files + 8  # four files of a worker that had not answered before
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_hangup_during_the_start_does_not_end_it(words_bundle, n_workers):
    early = (
        "import os, signal\nimport headstart.serving.workers as workers\nopened = workers.open_models\n"
        "def open_models(*given):\n    workers.open_models = opened\n    os.kill(os.getpid(), signal.SIGHUP)\n    return opened(*given)\n"
        "workers.open_models = open_models"
    )
    server = start_server(words_bundle, "--workers", n_workers, before=early)
    try:
        assert server.post("/v1/predict", BODY).status == 200
    finally:
        assert server.stop() == 0
    assert len([line for line in server.log if line["event"] == "models"]) == 2


def test_too_few_open_files_are_said_at_the_start(words_bundle):
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))"
    command = [sys.executable, "-c", f"{limited}\nfrom headstart.cli import main; main()", "serve", str(words_bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "open 20 files (ulimit -n)" in done.stderr
    assert "Raise the limit: ulimit -n 4096" in done.stderr


def test_a_version_that_cannot_answer_is_never_ready(registry, words_bundle):
    broken = "from headstart.packaging import Bundle\nrun = Bundle.run\ndef fail(self, batch):\n    if 'words/2' in str(self):\n        raise ValueError('broken')\n    return run(self, batch)\nBundle.run = fail"
    server = start_server(registry, "--quiet", token=TOKEN, before=broken)
    try:
        shutil.copytree(words_bundle, registry / "words" / "2")
        reply = server.post("/v2/repository/models/words/load", "")
        assert reply.status == 400
        assert "cannot answer a first item (broken)" in reply.json["error"]
        assert server.post("/v1/predict", BODY).json["version"] == "1"
    finally:
        server.stop()
