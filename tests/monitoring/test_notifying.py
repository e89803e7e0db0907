"""Tests of `monitoring/notifying.py` and `watch_section.py`."""

from __future__ import annotations

import email
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tiny_watch import draw, reference

from headstart.core.errors import DataError, OptionError, ServiceError, StorageError
from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring.notifying import post, prometheus, write_mail, write_report


@pytest.fixture(scope="module")
def verdict():
    monitor = Monitor(reference(), FalseAlarms.parse("1/10000"))
    items, outputs, labels = draw(600, seed=1, shift=1.0, jobs=("clerk", "<b>spy</b>"))
    monitor.observe(None, items, outputs)
    monitor.label([str(i + 1) for i in range(600)], labels)
    return monitor.verdict()


def test_the_figures_are_prometheus_text(verdict) -> None:
    text = prometheus(verdict, 'a "model"')
    assert 'headstart_watch_records{model="a \\"model\\""} 600.0' in text
    assert 'kind="measured"' in text


def test_the_page_is_small_and_escaped(verdict, tmp_path) -> None:
    write_report(verdict, "<script>fruit", tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert len(page) < 200_000
    assert "<script>fruit" not in page
    assert verdict.alarms[0].name in page
    said = json.loads((tmp_path / "report.json").read_text())["sections"]["watch"]
    assert said["status"] == "alarm"


def test_a_mail_says_what_and_what_to_do(verdict, tmp_path) -> None:
    message = email.message_from_bytes(write_mail(verdict, "fruit\nBcc: x@y", tmp_path / "mails").read_bytes())
    assert message["X-Headstart-Status"] == "alarm"
    assert message["Bcc"] is None
    assert verdict.alarms[0].sentence in " ".join(message.get_payload(decode=True).decode().split())


class _Hook(BaseHTTPRequestHandler):
    status, bodies = 200, []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).bodies.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(type(self).status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Hook.bodies.clear()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "n_tries"), [(200, 1), (204, 1), (400, 1), (302, 1), (503, 3)])
def test_a_web_hook_gets_a_cloud_event(verdict, hook, status, n_tries) -> None:
    _Hook.status = status
    if status in (200, 204):
        post(verdict, "fruit", hook)
    else:
        with pytest.raises(ServiceError, match=f"status {status}"):
            post(verdict, "fruit", hook)
    assert len(_Hook.bodies) == n_tries
    content_type, event = _Hook.bodies[0]
    assert content_type == "application/cloudevents+json"
    assert event["specversion"] == "1.0"
    assert event["data"]["status"] == "alarm"


def test_what_is_no_web_address_is_refused(verdict) -> None:
    with pytest.raises(OptionError, match="https://"):
        post(verdict, "fruit", "file:///etc/passwd")
    with pytest.raises(ServiceError, match="did not take"):
        post(verdict, "fruit", "http://127.0.0.1:9/")


def test_a_file_in_the_way_of_a_folder_is_said(verdict, tmp_path) -> None:
    (tmp_path / "file").touch()
    for write in (write_report, write_mail):
        with pytest.raises(StorageError, match="in the way"):
            write(verdict, "fruit", tmp_path / "file")


@pytest.mark.parametrize("label", ["nan", "inf", "many", ""])
def test_a_label_of_a_regression_is_a_number(label) -> None:
    monitor = Monitor(replace(reference(), task="regression"), FalseAlarms.parse("1/10000"))
    with pytest.raises(DataError, match="is a number"):
        monitor.labelling.take(["1"], [label])
