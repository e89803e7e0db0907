"""What a body may become, what an answer may, and how much of both may be held: with a health check beside all of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time

import pytest
from running import start_server

from headstart.core.errors import OptionError
from headstart.serving import ServerSettings
from headstart.serving.asgi import RequestError
from headstart.serving.body import Body, BodyMemory, read_body
from headstart.serving.workers import serve

MIB = 1 << 20
LONGEST_PAUSE_S = 2  # a tenth of a second on a machine of its own; many times this, where a body is read on the loop


@pytest.fixture(scope="module")
def large(words_bundle):
    """A server that takes large bodies."""
    server = start_server(words_bundle, "--quiet")
    yield server
    assert server.stop() == 0


class Pulse:
    """Asks for the server's health all the time, and knows the longest answer."""

    def __init__(self, server):
        self.worst_s = 0.0
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _ask(self):
        while not self._is_over.is_set():
            started = time.monotonic()
            self._server.get("/v2/health/live")
            self.worst_s = max(self.worst_s, time.monotonic() - started)
            time.sleep(0.005)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"items":[' + b"[]," * (10 * MIB) + b"[]]}"),
        ("application/json", b"{" + b",".join(b'"%x":0' % i for i in range(2_000_000)) + b"}"),
        ("text/csv", b"text\n" + b"a\n" * (15 * MIB)),
        ("text/csv", b"a," * (8 * MIB) + b"text\n"),
        ("application/jsonl", b"1\n" * (15 * MIB)),
        ("multipart/form-data; boundary=X", b'--X\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 300_000),
    ],
)
def test_a_body_of_too_many_things_is_refused_before_they_are_made(large, content_type, body):
    with Pulse(large) as pulse:
        started = time.monotonic()
        assert large.post("/v1/predict", body, content_type=content_type).status == 413
        assert time.monotonic() - started < 20
    assert pulse.worst_s < LONGEST_PAUSE_S


def test_a_wide_table_is_read_beside_the_loop(large):
    body = b"a," * 30_000 + b"text\n" + b"1\n" * 256
    with Pulse(large) as pulse:
        assert large.post("/v1/predict", body, content_type="text/csv").status < 500
    assert pulse.worst_s < LONGEST_PAUSE_S


def infer(**more):
    return {"inputs": [{"name": "items", "datatype": "BYTES", "shape": [2], "data": ["kiwi", "plum"]}], **more}


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        (infer(outputs=[{"name": "labels"}] * 2), 400, "asked for more than once"),
        (infer(outputs=[{"name": ["labels"]}]), 400, "no output"),
        (infer(outputs=[{"name": 10**4_000}]), 400, "no output"),
        (infer(id="x" * 1_001), 400, "'id' has more than"),
        ({"inputs": [{"name": "items", "datatype": "BYTES", "shape": [300], "data": ["a"] * 300}]}, 413, "300 items came"),
        ({"inputs": [{"name": "items", "datatype": "BYTES", "shape": [1] * 9, "data": ["a"]}]}, 400, "'shape' must be"),
        ({"inputs": [{"name": "items", "datatype": 10**4_000, "shape": [1], "data": ["a"]}]}, 400, "no datatype of type int"),
        (
            {"inputs": [{"name": "items", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 10**4_000}}]},
            400,
            "'binary_data_size' must be",
        ),
    ],
)  # fmt: skip
def test_v2_asks_for_each_thing_once_and_in_bounds(large, request_, status, words):
    reply = large.post("/v2/models/words/infer", request_)
    assert (reply.status, words in reply.json["error"]) == (status, True)


def test_v2_raw_strings_are_counted_while_they_are_cut(large):
    raw = bytes(4 * MIB)
    request = {"inputs": [{"name": "items", "datatype": "BYTES", "shape": [9], "parameters": {"binary_data_size": len(raw)}}]}  # fmt: skip
    head = json.dumps(request).encode()
    reply = large.post("/v2/models/words/infer", head + raw, inference_header_content_length=str(len(head)))
    assert reply.status == 400
    assert "257 values came" in reply.json["error"]


@pytest.mark.parametrize("length", ["9" * 5_001, "-1", "1e3", "²"])
def test_v2_length_of_the_json(large, length):
    reply = large.post("/v2/models/words/infer", b"{}", inference_header_content_length=length.encode("latin-1"))
    assert reply.status == 400
    assert "the length of the JSON was expected" in reply.json["error"]


def test_numbers_that_are_too_long_to_be_any(large):
    reply = large.post(
        "/v1/predict", b'{"items": ["a"], "top": ' + b"9" * 5_001 + b"}", content_type="application/json"
    )
    assert reply.status == 400
    assert large.post("/v1/predict?top=" + "9" * 5_001, "kiwi", content_type="text/plain").status == 400


def test_an_answer_of_too_many_labels(words_bundle):
    server = start_server(
        words_bundle, "--quiet", before="import headstart.serving.predict_route as r; r._MAX_LABELS = 5"
    )
    try:
        assert server.post("/v1/predict", {"items": ["kiwi"] * 2, "top": 2}).status == 200
        reply = server.post("/v1/predict", {"items": ["kiwi"] * 3, "top": 2})
        assert reply.status == 413
        assert "smaller 'top'" in reply.json["error"]
    finally:
        server.stop()


def hold(server, n_bytes):
    """A connection whose body lacks its last byte."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % (
        n_bytes + 1
    )
    connection.sendall(head + b"x" * n_bytes)
    return connection


def test_bodies_share_one_bound_and_the_largest_that_is_coming_makes_way(words_bundle):
    server = start_server(words_bundle, "--max-body-mib", 2, "--max-held-mib", 3, "--quiet")
    try:
        largest, other = hold(server, 2 * MIB - 1), hold(server, MIB // 2)
        time.sleep(1)
        text = {"items": ["plum " * 200_000]}
        assert server.post("/v1/predict", text).status == 200
        assert largest.recv(99).startswith(b"HTTP/1.1 429 ")
        other.sendall(b"x")
        assert other.recv(99).startswith(b"HTTP/1.1 200 ")
        assert server.post("/v1/predict", text).status == 200  # what was held is free again
        largest.close()
        other.close()
    finally:
        assert server.stop() == 0


async def reading(memory, n_bytes, go):
    """A request of which the last byte comes when `go` is set."""
    parts = [{"type": "http.request", "body": b"x" * n_bytes, "more_body": True}]

    async def receive():
        if parts:
            return parts.pop()
        await go.wait()
        return {"type": "http.request", "body": b"x"}

    return await read_body({"headers": []}, receive, 10 * MIB, memory.hold())


def test_where_no_larger_body_is_coming_the_newcomer_is_refused():
    async def run():
        memory, go = BodyMemory(3 * MIB), asyncio.Event()
        first = asyncio.create_task(reading(memory, 2 * MIB, go))
        await asyncio.sleep(0)
        small = asyncio.create_task(reading(memory, 9_999, go))
        with pytest.raises(RequestError) as caught:
            await reading(memory, 2 * MIB, go)
        go.set()
        return caught.value.status, len(await first), len(await small)

    assert asyncio.run(run()) == (429, 2 * MIB + 1, 10_000)


def test_a_body_that_never_fits_is_refused_at_the_start():
    with pytest.raises(OptionError, match="--max-held-mib"):
        serve(["x"], ServerSettings(max_body_mib=200))


def test_what_a_body_becomes_is_counted_in_its_place():
    async def run():
        memory = BodyMemory(1 * MIB)
        body = Body({"headers": []}, None, MIB, memory.hold())
        body.became(["small"])
        assert memory.n_bytes == 0
        body.held.change(200 << 10)
        body.became(["\N{PEAR}" + "a" * (100 << 10)])
        assert memory.n_bytes > 400 << 10  # four bytes a letter
        with pytest.raises(RequestError, match="as many bodies"):
            body.became([{"a": "\N{PEAR}" + "a" * (200 << 10), "b": b"x" * (300 << 10)}])
        assert memory.n_bytes == 0

    asyncio.run(run())
