"""The client, against real servers: what it answers is what the bundle answers."""

from __future__ import annotations

import importlib
import json
import re
import socket
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import headstart
import headstart.client
from headstart.client import Client, ServedModel
from headstart.core.errors import DataError, MissingExtraError, OptionError, ServiceError
from headstart.packaging import Prediction
from servers import served

TEXTS = ["They charged my card twice.", "My mortgage was sold to another bank.", "A debt collector calls me at work."]
TOKEN = "a-token-of-the-tests"

pytestmark = pytest.mark.downloads


@pytest.fixture(scope="module")
def photos(small_data):
    return sorted(small_data.glob("photos/*/*"))


@pytest.fixture(scope="module")
def url(small_data, photos_model, tmp_path_factory):
    """A server of both small models that wants a token."""
    log = tmp_path_factory.mktemp("client") / "log"
    with served(small_data / "tickets-model", photos_model, log=log, HEADSTART_TOKEN=TOKEN) as address:
        yield address


@pytest.fixture
def tickets(url):
    with Client(url, token=TOKEN, model="tickets-model") as client:
        yield client


@pytest.fixture
def fruit(url):
    with Client(url, token=TOKEN, model="photos-model") as client:
        yield client


def test_the_server_says_that_it_is_ready_and_what_it_has(tickets):
    assert tickets.ready()
    assert tickets.models() == (ServedModel("photos-model", "1"), ServedModel("tickets-model", "1"))


def test_texts_are_answered_as_by_the_bundle(tickets, small_data):
    bundle = headstart.load_bundle(small_data / "tickets-model")
    assert tickets.predict(TEXTS) == bundle.predict(TEXTS)
    assert tickets.predictions(TEXTS, top=2) == bundle.predictions(TEXTS, top=2)
    assert tickets.predict([]) == []


def test_photos_are_answered_as_by_the_bundle_from_paths_and_from_bytes(fruit, photos, photos_model):
    bundle = headstart.load_bundle(photos_model)
    assert fruit.predict(photos) == bundle.predict(photos)
    assert fruit.predict([photo.read_bytes() for photo in photos]) == bundle.predict(photos)
    assert fruit.predictions(photos[:3]) == bundle.predictions(photos[:3])


def test_many_items_are_sent_in_parts_and_answered_in_their_order(tickets, small_data):
    texts = [f"{text} ({i})" for i in range(100) for text in TEXTS]
    bundle = headstart.load_bundle(small_data / "tickets-model")
    assert tickets.predictions(texts, top=1) == bundle.predictions(texts, top=1)


def test_an_item_that_cannot_be_read_carries_its_error(fruit, photos):
    good, bad = fruit.predictions([photos[0], b"not a photo"])
    assert good.label
    assert not good.error
    assert bad == Prediction(item="item 2", error="the image holds text, not an image; replace or remove it.")
    with pytest.raises(DataError, match=r"'item 2': the image holds text"):
        fruit.predict([photos[0], b"not a photo"])
    with pytest.raises(DataError, match="answers 400: the image holds text"):
        fruit.predict([b"not a photo"])


def test_mistakes_on_this_side_are_seen_before_anything_is_sent():
    with Client("http://127.0.0.1:9") as client:
        with pytest.raises(DataError, match=r"not one str. Write \[item\]"):
            client.predict("one text")
        with pytest.raises(DataError, match="as bytes or Path, not a int"):
            client.predict([3])
        with pytest.raises(DataError, match="cannot read nowhere.jpg: No such file"):
            client.predict([Path("nowhere.jpg")])
    for address in ("127.0.0.1:8000", "ftp://example.org", "http://", "http://here:port", ""):
        with pytest.raises(OptionError, match="is not the address of a server"):
            Client(address)


def test_a_wrong_token_or_name_is_said_by_the_server(url, tickets, monkeypatch):
    with Client(url, token="another-of-the-tests", model="tickets-model") as client:
        with pytest.raises(OptionError, match="answers 401: a bearer token is needed"):
            client.predict(TEXTS)
        assert client.ready()  # whether a server is alive needs no token
    monkeypatch.setenv("HEADSTART_TOKEN", TOKEN)
    with (
        Client(url, model="ticket-model") as client,
        pytest.raises(OptionError, match=r"answers 404: .*Did you mean 'tickets-model'"),
    ):
        client.predict(TEXTS)
    with Client(url) as client, pytest.raises(DataError, match="answers 400: say which model"):
        client.predict(TEXTS)


def test_nobody_there_and_somebody_else_there(tmp_path):
    with Client("http://127.0.0.1:9") as client:
        assert not client.ready()
        with pytest.raises(ServiceError, match=r"http://127.0.0.1:9 cannot be reached .*Start 'headstart serve' there"):
            client.models()
    for status, said in ((200, "is no server of Headstart's"), (502, "answers 502 and not why")):
        with (
            another_server(status, b"<html>") as address,
            Client(address) as client,
            pytest.raises(ServiceError, match=said),
        ):
            client.models()


@contextmanager
def another_server(status, content):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_does_not_answer_is_given_up():
    said = r"no answer within 0.2 s. Ask again later, or raise timeout_s"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(address, timeout_s=0.2) as client, pytest.raises(ServiceError, match=said):
            client.models()


def test_a_busy_server_is_asked_again_after_as_long_as_it_says(photos_model, photos, tmp_path):
    """Room for 16 items: of three threads that send 16 photos each at once, one is let in."""
    chosen = (photos * 2)[:16]
    expected, answers = headstart.load_bundle(photos_model).predict(chosen), []

    def ask(client):
        try:
            answers.append(client.predict(chosen))
        except ServiceError as error:
            answers.append(str(error))

    with served(photos_model, "--max-queue", "16", "--max-items", "16", log=tmp_path / "log") as url:
        for retries in (60, 0):
            with Client(url, retries=retries) as client:
                started = time.monotonic()
                threads = [threading.Thread(target=ask, args=(client,)) for _ in range(3)]
                [thread.start() for thread in threads]
                [thread.join() for thread in threads]
            if retries:
                assert time.monotonic() - started >= 1.0
                assert answers == [expected] * 3
    refused = [answer for answer in answers[3:] if answer != expected]
    assert refused
    assert all(re.search(r"answers 429: 16 items are waiting .* Ask again in \d+ s", answer) for answer in refused)
    requests = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [request["status"] for request in requests if request.get("path") == "/v1/predict"].count(429) >= 3


def test_without_httpx2_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtraError, match=r'pip install "headstart\[client\]"'):
        importlib.reload(headstart.client)
