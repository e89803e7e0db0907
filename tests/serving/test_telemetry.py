"""What a server tells others: spans to a collector, answers to files."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pyarrow import parquet
from running import start_server

from headstart.core.errors import OptionError
from headstart.packaging import load_bundle
from headstart.serving import ServerSettings
from headstart.serving.workers import serve

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(BaseHTTPRequestHandler):
    """Keeps the spans that are sent to it."""

    def do_POST(self):
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        self.server.spans += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        server.spans = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_are_children_of_the_callers(collector, words_bundle):
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    server = start_server(words_bundle, "--trace", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    server.post("/v1/predict", {"items": ["plum"]}, traceparent=f"00-{TRACE}-{PARENT}-01", x_request_id="r-1")
    assert server.stop() == 0
    span = next(one for one in collector.spans if one.trace_id.hex() == TRACE)
    assert span.parent_span_id.hex() == PARENT
    attributes = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    assert attributes["http.response.status_code"] == 200
    assert attributes["url.path"] == "/v1/predict"
    assert attributes["headstart.model"] == "words"
    assert attributes["headstart.request_id"] == "r-1"


def test_answers_are_written_with_hashes_instead_of_items(words_bundle, tmp_path):
    server = start_server(words_bundle, "--prediction-log", tmp_path / "log")
    texts = ["a plum", "lime"]
    server.post("/v1/predict", {"items": [texts[0], 7, texts[1]]})
    server.post(
        "/v2/models/words/infer", {"inputs": [{"name": "items", "shape": [1], "datatype": "BYTES", "data": ["kiwi"]}]}
    )
    assert server.stop() == 0
    (file,) = (tmp_path / "log").iterdir()
    rows = parquet.read_table(file).to_pylist()
    assert [row["label"] for row in rows] == ["about plum", "about lime", "about kiwi"]
    assert [row["item"] for row in rows] == [hashlib.sha256(text.encode()).digest() for text in [*texts, "kiwi"]]
    assert {(row["model"], row["version"]) for row in rows} == {("words", "1")}
    wanted = load_bundle(words_bundle).predict_proba([*texts, "kiwi"])
    np.testing.assert_allclose([row["outputs"] for row in rows], wanted, atol=1e-6)


def test_no_share_is_refused():
    with pytest.raises(OptionError, match="--log-share"):
        serve(["x"], ServerSettings(log_share=0))


def lost_rows(server):
    lines = server.get("/metrics").body.decode().splitlines()
    return float(next(line for line in lines if line.startswith("headstart_prediction_log_lost_total")).split()[-1])


SLOW = """
import pathlib, time
import headstart.serving.prediction_log as log
log._MAX_WAITING, log._N_ROWS = 3, 1
def write(self, rows):
    while not pathlib.Path("{go}").exists():
        time.sleep(0.01)
log.PredictionLog._write = write
"""
FULL = """
import headstart.serving.prediction_log as log
log._N_ROWS = 1
def write(self, rows):
    raise OSError("the disk is full")
log.PredictionLog._write = write
"""


@pytest.mark.parametrize(
    ("before", "reason"), [(SLOW, "rows come faster than they can be written"), (FULL, "OSError: the disk is full")]
)
def test_rows_that_cannot_be_kept_are_counted_and_said(words_bundle, tmp_path, before, reason):
    go = tmp_path / "go"
    server = start_server(words_bundle, "--prediction-log", tmp_path / "log", before=before.replace("{go}", str(go)))
    try:
        for _ in range(10):
            assert server.post("/v1/predict", {"items": ["kiwi"]}).status == 200
        end = time.monotonic() + 60
        while lost_rows(server) < 6 and time.monotonic() < end:  # of ten, one is being written and three can wait
            time.sleep(0.05)
        n_lost = lost_rows(server)
    finally:
        go.touch()
        assert server.stop() == 0
    said = [line for line in server.log if line["event"] == "prediction_log"]
    assert {line["error"] for line in said} == {reason}
    assert sum(line["lost"] for line in said) >= n_lost >= 6
