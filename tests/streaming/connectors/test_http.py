"""Tests of `streaming/connectors/http.py`, `server_sent.py` and `pump.py`, with a real server on this machine."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.errors import OptionError, ServiceError
from headstart.streaming import json_lines
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.connector import EndOfStream
from headstart.streaming.connectors import http
from headstart.streaming.pump import Pump
from headstart.streaming.record import Output
from headstart.streaming.server_sent import events_of
from headstart.testing.event_server import event_server


@pytest.fixture
def server():
    with event_server() as found:
        yield found


def url_of(server, words="/events"):
    return f"http://127.0.0.1:{server.server_port}{words}"


async def until_it_ends(take, found=None):
    while True:
        came = await take(7, 1)
        if found is not None:
            found += came


@contextmanager
def raw_server(answer, *, trickles=False):
    """Answers each request with the same bytes, then ends the connection; one that trickles goes on byte by byte first. Gives its address, and the requests."""
    requests, is_over = [], threading.Event()

    def serve():
        while not is_over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                requests.append(client.recv(65536))
                client.sendall(answer)
                while trickles and not is_over.wait(0.02):
                    client.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x", requests
        finally:
            is_over.set()
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


async def closing(place, work):
    try:
        return await work(place)
    finally:
        await place.close()


def send(url, *outputs):
    asyncio.run(closing(outlet_of(url), lambda outlet: outlet.send(outputs)))


def output(key, **attributes):
    return Output(key=key, value={"key": key, "text": "ä"}, attributes=attributes)


class TestPost:
    def post(self, server, batches, words="/events"):
        async def work():
            outlet = outlet_of(url_of(server, words))
            await outlet.open()
            try:
                for batch in batches:
                    await outlet.send(batch)
            finally:
                await outlet.close()

        asyncio.run(work())

    def test_a_batch_is_json_lines_with_a_key(self, server):
        self.post(server, [[output("1"), output("2")], [output("1"), output("2")], [output("3")]], "/a%20b?c=d")
        assert [json.loads(line)["key"] for line in server.lines] == ["1", "2", "3"]
        paths, headers = zip(*server.requests, strict=True)
        assert set(paths) == {"/a%20b?c=d"}
        keys = [one["idempotency-key"] for one in headers]
        assert keys[0] == keys[1] != keys[2]
        assert headers[0]["content-type"] == "application/x-ndjson"

    def test_events_are_a_batch_of_events(self, server):
        self.post(server, [[output("1", **{"content-type": "application/cloudevents+json"})] * 2])
        assert server.requests[0][1]["content-type"] == "application/cloudevents-batch+json"
        assert len(json.loads(b"".join(server.lines))) == 2

    @pytest.mark.parametrize(
        ("status", "error", "words"),
        [(503, ServiceError, "answers 503"), (429, ServiceError, "answers 429"), (404, OptionError, "refuses: 404")],
    )
    def test_what_the_server_says(self, server, status, error, words):
        server.refusals.append(status)
        with pytest.raises(error, match=words):
            self.post(server, [[output("1")]])

    def test_a_server_that_is_not_there(self):
        with event_server() as gone:
            pass
        with pytest.raises(ServiceError, match="does not answer"):
            self.post(gone, [[output("1")]])

    def test_a_name_and_a_password_are_sent_and_not_shown(self, server):
        server.refusals.append(403)
        with pytest.raises(OptionError) as caught:
            send(url_of(server).replace("//", "//ada:secret@"), output("1"))
        assert "secret" not in str(caught.value)
        assert server.requests[0][1]["authorization"].startswith("Basic ")

    @pytest.mark.parametrize(
        "answer",
        [
            b"Content-Length: 100\r\n\r\nshort",  # and then the connection ends
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"Content-Length: 99999999\r\n\r\n" + b"x" * 3_000_000,
        ],
    )
    def test_a_batch_that_was_taken_is_taken_whatever_the_answer_holds(self, answer):
        with raw_server(b"HTTP/1.1 200 OK\r\n" + answer) as (url, requests):
            self.post_to(url, [[output("1")], [output("2")]])
        assert len(requests) == 2
        assert all(request.startswith(b"POST /x ") for request in requests)

    def test_an_answer_that_trickles_is_not_waited_for(self, monkeypatch):
        monkeypatch.setattr(http, "_ANSWER_S", 0.2)
        started = time.monotonic()
        with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", trickles=True) as (url, _):
            self.post_to(url, [[output("1")]])
        assert time.monotonic() - started < 10

    def test_a_redirect_is_refused(self):
        with raw_server(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n") as (url, requests):
            with pytest.raises(OptionError, match="refuses: 302"):
                self.post_to(url, [[output("1")]])
            with pytest.raises(OptionError, match="refuses: 302"):
                asyncio.run(closing(inlet_of(url), lambda inlet: inlet.open()))
        assert len(requests) == 2

    def post_to(self, url, batches):
        async def work(outlet):
            for batch in batches:
                await outlet.send(batch)

        asyncio.run(closing(outlet_of(url), work))

    def test_an_address_without_a_host(self):
        with pytest.raises(OptionError, match="names no host"):
            send("http:///x", output("1"))


class TestEvents:
    def test_after_a_lost_connection_it_goes_on_after_the_last_acknowledged(self, server, tmp_path):
        server.lines += [b"late %d" % i for i in range(5)]

        async def work():
            inlet = inlet_of(url_of(server), state=tmp_path)
            await inlet.open()
            came = []
            while len(came) < 5:
                came += await inlet.receive(9, 1)
            await inlet.acknowledge(came[:3])
            server.is_ending = True
            with pytest.raises(ServiceError, match="ended the connection"):
                await until_it_ends(inlet.receive)
            server.is_ending = False
            await inlet.open()
            again = []
            while len(again) < 2:
                again += await inlet.receive(9, 1)
            await inlet.close()
            return came, again

        came, again = asyncio.run(work())
        assert [one.record.content for one in came] == [f"late {i}" for i in range(5)]
        assert [one.record.key for one in again] == ["4", "5"]
        assert [headers.get("last-event-id") for _, headers in server.requests] == [None, "3"]

    def test_a_page_is_no_stream(self, texts_page):
        with pytest.raises(OptionError, match="gives 'text/html', not server-sent events"):
            asyncio.run(closing(inlet_of(texts_page), lambda inlet: inlet.open()))

    @pytest.fixture
    def texts_page(self):
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Page)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        server.server_close()
        thread.join()


class TestServerSentEvents:
    """Examples of the HTML standard, 9.2.6."""

    @pytest.mark.parametrize(
        ("content", "data"),
        [
            ("data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
            (
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
                ["first event", "second event"],
            ),
            ("data\n\ndata\ndata\n\ndata:", ["", "\n"]),
            ("data:test\n\ndata: test\n\n", ["test", "test"]),
            ("\ufeffdata: x\r\rdata: y\r\n\r\n", ["x", "y"]),
            ("event: add\ndata: 7\n\nretry: 10\n\n", ["7"]),
        ],
    )
    def test_the_examples(self, content, data):
        assert [one.data for one in events_of([content.encode()])] == data

    def test_ids_and_types(self):
        found = list(events_of([b"id: 1\nevent: add\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\0\ndata: d\n\n"], "0"))
        assert [(one.id, one.type) for one in found] == [
            ("1", "add"),
            ("1", "message"),
            ("", "message"),
            ("", "message"),
        ]

    @given(cuts=st.lists(st.integers(0, 60), max_size=6), end=st.sampled_from(["\n", "\r", "\r\n"]))
    def test_however_it_is_cut(self, cuts, end):
        content = "\ufeffid: 1\ndata: ä\ndata: b\n\n: no\ndata: c\n\n".replace("\n", end).encode()
        places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
        chunks = [content[a:b] for a, b in pairwise(places)]
        expected = ["ä\nb", "c"]
        if end == "\r":  # the last may be half of an end of two
            assert [one.data for one in events_of([*chunks, b"\n"])] == expected
        else:
            assert [one.data for one in events_of(chunks)] == expected

    @pytest.mark.parametrize(
        "endless",
        [b"data: " + b"x" * 30_000, b"data: " + b"\ndata: ".join([b"xyz"] * 6_000), b"id: " + b"9" * 30_000],
    )
    def test_of_what_never_ends_little_is_held(self, endless, monkeypatch):
        monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 10_000)
        monkeypatch.setattr(json_lines, "N_SHOWN_BYTES", 8)
        found = list(events_of([b"id: 1\ndata: a\n\n", endless, b"\ndata: b\n\ndata: c\n\n"]))
        is_of_data = endless.startswith(b"data")
        assert [bool(one.error) for one in found] == [False, is_of_data, False]
        assert all(len(one.data) <= 8 for one in found)
        assert {one.id for one in found} == {"1"}


class TestPump:
    def test_it_stops_where_nobody_takes(self):
        made = []

        def numbers():
            for i in range(1000):
                made.append(i)
                yield i

        async def work():
            pump = Pump(numbers, max_waiting=10)
            await asyncio.sleep(0.1)
            n = len(made)
            found = []
            with pytest.raises(EndOfStream):
                await until_it_ends(pump.get, found)
            return n, found

        n, found = asyncio.run(work())
        assert n <= 11
        assert found == list(range(1000))

    def test_errors_come_after_what_was_before(self):
        def broken():
            yield 1
            raise ServiceError("gone.")

        async def work():
            pump = Pump(broken)
            assert await pump.get(5, 5) == [1]
            with pytest.raises(ServiceError):
                await pump.get(5, 5)

        asyncio.run(work())

    def test_nothing_comes_in_time(self):
        stop = threading.Event()

        async def work():
            pump = Pump(lambda: (stop.wait(5) for _ in range(1)))
            assert await pump.get(1, 0.05) == []
            assert await pump.get(1, 0) == []
            stop.set()
            pump.close()

        asyncio.run(work())
