"""The page of labels, driven in Chromium as a person would: by clicks, keys and on a phone."""

import json
import shutil
import socket
import struct
import time
import urllib.error
import urllib.request

import pytest
from labelled_log import fit_tiny, log_answers

import headstart
import missing
from headstart.core.errors import OptionError
from headstart.monitoring.label_desk import LabelDesk
from headstart.monitoring.label_page import LabelPage
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.local_server import LocalServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return headstart.load_bundle(fit_tiny(tmp_path_factory.mktemp("page")), trust=())


@pytest.fixture
def desk(model, tmp_path):
    log_answers(model, tmp_path / "log", 30, seed=1)
    with LabelStore(tmp_path / "labels.db") as store:
        yield LabelDesk(model, tmp_path / "log", store)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        missing.skip("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_labels_are_given_by_click_and_key_and_mended_by_going_back(desk, browser, tmp_path) -> None:
    first, second = desk.waiting()[:2]
    with LabelPage(desk).server() as server:
        errors = []
        page = browser.new_page(viewport={"width": 390, "height": 780}, color_scheme="dark")
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(server.url)
        page.get_by_text("30 waiting").wait_for()
        page.screenshot(path=tmp_path / "label-phone-dark.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="yes").click()
        page.get_by_text("1 labeled, 29 waiting").wait_for()
        page.keyboard.press("1")
        page.get_by_text("2 labeled, 28 waiting").wait_for()
        page.keyboard.press("b")
        page.get_by_text(second.key).wait_for()
        page.get_by_role("button", name="yes").click()
        page.get_by_role("button", name="Skip").click()
        while page.evaluate("busy"):  # waiting by a function would be code from a string, which the page forbids
            page.wait_for_timeout(20)
        page.close()
    assert errors == []
    assert desk.store.current() == {first.key: "yes", second.key: "yes"}
    assert [one["label"] for one in desk.store.history(second.key)] == ["no", "yes"]


def post_raw(server, body):
    """The status of what a page would not send."""
    asked = urllib.request.Request(f"{server.url}label", body, {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(asked, timeout=10):
        pass
    with caught.value as error:
        return error.code


def test_a_client_that_hangs_up_leaves_no_stack_trace(desk, capfd) -> None:
    with LabelPage(desk).server() as server:
        for request in (
            b"GET /next HTTP/1.1\r\n",
            b"POST /label HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n",
        ):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
                client.sendall(request + f"Host: 127.0.0.1:{server.port}\r\n\r\n".encode())
        with urllib.request.urlopen(f"{server.url}state", timeout=10) as reply:
            assert reply.status == 200
        time.sleep(0.3)
    assert "Traceback" not in capfd.readouterr().err


def test_an_ill_label_and_a_foreign_page_are_refused(desk) -> None:
    def post(server, value, **headers):
        body = json.dumps(value).encode()
        asked = urllib.request.Request(f"{server.url}label", body, {"content-type": "application/json", **headers})
        try:
            with urllib.request.urlopen(asked, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    with LabelPage(desk).server() as server:
        assert post(server, {"key": "a", "label": "perhaps"})[0] == 422
        assert post(server, {"label": "yes"})[0] == 400
        assert post(server, {"key": "a", "label": "yes"}, origin="http://elsewhere.example")[0] == 403
        assert post(server, {"key": "a", "label": "yes"}, host="elsewhere.example")[0] == 403
        assert post(server, {"key": "a", "label": "yes"}, **{"content-type": "text/plain"})[0] == 400
        assert post(server, json.loads("[" * 900 + "]" * 900))[0] == 400
        assert post_raw(server, b"[" * 500_000) == 400
        assert desk.store.current() == {}
        assert post(server, {"key": "a", "label": "YES"})[0] == 200
        with pytest.raises(OptionError, match="cannot be taken"):
            LocalServer("", port=server.port)
    assert desk.store.current() == {"a": "yes"}
