"""Limits that hold before a request is one: heads, time, how many connections, what is still sent after a refusal."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
from running import start_server

TOKEN = "a-token-of-some-length"
POST = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def strict(words_bundle):
    """A server that waits for little and for few."""
    server = start_server(words_bundle, "--timeout-s", 2, "--max-connections", 5, "--max-body-mib", 1, token=TOKEN)
    yield server
    assert server.stop() == 0


def connect(server, sent=b""):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(sent)
    return connection


def answer_of(connection):
    """All that comes until the server closes."""
    parts = []
    with connection, contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def send_on(connection, part, n_bytes):
    """Send until the server has enough; tell how many bytes it took."""
    n_sent = 0
    with contextlib.suppress(ConnectionError):
        while n_sent < n_bytes:
            connection.sendall(part)
            n_sent += len(part)
    return n_sent


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"GET /v2?", b"a" * 65_536),
        (b"GET /v2 HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 65_536),
        (b"GET /v2 HTTP/1.1\r\nHost: x\r\n", b"X: b\r\n" * 10_000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 65_536),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 65_536),
    ],
)
def test_no_head_is_longer_than_the_limit(strict, head, more):
    connection = connect(strict, head)
    assert send_on(connection, more, 64 << 20) < 16 << 20  # some of it waits in the buffers of the system
    connection.close()
    assert strict.get("/v2/health/live").status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v2?" + b"a" * 70_000,
        b"GET /v2 HTTP/1.1\r\n" + b"X: b\r\n" * 101,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 66_000,
    ],
)
def test_a_long_head_is_answered_431(strict, head):
    assert answer_of(connect(strict, head + b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")


def test_what_is_no_request_is_refused_in_json(strict):
    reply = answer_of(connect(strict, b"nonsense\r\n\r\n"))
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert reply.endswith(b'{"error":"invalid http request received."}')


@pytest.mark.parametrize("sent", [b"", POST, b"\r\n\r\n"])
def test_who_sends_no_head_is_let_go(strict, sent):
    connection = connect(strict, sent)
    started = time.monotonic()
    assert answer_of(connection) == b""
    assert 1.5 < time.monotonic() - started < 6


def test_empty_lines_do_not_keep_a_connection(strict):
    connection = connect(strict, b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    started = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - started < 20:
            connection.sendall(b"\r\n")
            time.sleep(0.1)
    connection.close()
    assert time.monotonic() - started < 14


@pytest.mark.parametrize("part", [b"1\r\nx\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"])
def test_a_refused_body_is_not_read_for_ever(strict, part):
    connection = connect(strict, POST + b"Transfer-Encoding: chunked\r\n\r\n")
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 401")
    started, n_sent = time.monotonic(), 0
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - started < 20:
            connection.sendall(part)
            n_sent += len(part)
            time.sleep(0.01)
    connection.close()
    assert time.monotonic() - started < 6
    assert n_sent < 16 << 20


def test_the_rest_of_a_refused_body_does_not_hide_the_answer(strict):
    assert strict.post("/v1/predict", b"x" * (900 << 10), authorization="Bearer none").status == 401


def test_connections_that_wait_make_way(strict):
    waiting = [connect(strict, POST) for _ in range(40)]
    started = time.monotonic()
    for _ in range(10):
        assert strict.post("/v1/predict", {"items": ["plum"]}).status == 200
    assert time.monotonic() - started < 1.5
    for connection in waiting:
        connection.close()


def test_who_asks_on_and_on_is_cut_off(strict):
    asked = b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = answer_of(connect(strict, asked * 5_000))
    assert answers.count(b"HTTP/1.1") < 200
    assert strict.get("/v2/health/live").status == 200
    few = answer_of(connect(strict, asked * 5 + asked.replace(b"Host", b"Connection: close\r\nHost")))
    assert few.count(b"HTTP/1.1") == 6


def test_who_leaves_is_not_counted_as_answered(strict):
    body = b'{"items": ["' + b"kiwi " * 1_000 + b'"]}'
    head = POST + b"Authorization: Bearer " + TOKEN.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    for _ in range(5):
        connect(strict, head + body[:9]).close()
    end = time.monotonic() + 10
    while 'status="499"' not in (figures := strict.get("/metrics").body.decode()) and time.monotonic() < end:
        time.sleep(0.05)
    assert 'headstart_requests_total{model="words",status="499",version="1"}' in figures


def test_seldom_methods(strict):
    assert b" 404 " in answer_of(connect(strict, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"))  # fmt: skip
    for path in ("/metrics", "/v2/health/live", "/docs"):
        reply = strict.ask("HEAD", path)
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["content-length"]) > 0
