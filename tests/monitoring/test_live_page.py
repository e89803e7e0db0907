"""The live page, driven in Chromium while the watch goes on."""

import json
import shutil
import urllib.error
import urllib.request

import pytest
from test_live_watch import open_watch, tell

import missing
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.live_page import LivePage
from headstart.monitoring.live_watch import LABELS_DB

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        missing.skip("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_the_page_follows_the_watch(browser, tmp_path) -> None:
    now = [1.8e9]
    live = open_watch(tmp_path / "watch", shows_items=True, clock=lambda: now[0])
    with LivePage(tmp_path / "watch").server() as server:
        errors = []
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(server.url)
        page.get_by_text("No record has come yet.").wait_for()
        for seed in range(30):
            now[0] += 1.0
            keys, labels = tell(live, 20, seed=seed)
            with LabelStore(tmp_path / "watch" / LABELS_DB) as store:
                store.give(list(zip(keys, labels, strict=True))[::2])
        live.refresh(at_once=True)
        page.get_by_text("No alarm in 600 records").wait_for()
        page.screenshot(path=tmp_path / "live-steady.png", full_page=True)
        for seed in range(30, 40):
            now[0] += 1.0
            tell(live, 20, seed=seed, shift=2.0)
        live.close()
        page.get_by_role("heading", name="Incident").wait_for()
        assert page.locator(".alarm").count() == 1
        page.get_by_text("Evidence: ").click()
        page.get_by_text("probability of yes").first.wait_for()
        assert page.get_by_text("previous label").count() >= 2
        assert page.locator(".alarm li").first.inner_text().startswith("age: ")
        assert page.locator("svg").count() == 4
        page.screenshot(path=tmp_path / "live-alarm.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=tmp_path / "live-phone-dark.png", full_page=True)
        assert errors == []
    live.store.close()
    page.get_by_text("not connected").wait_for()
    page.close()


def test_what_the_page_asks(tmp_path) -> None:
    with LivePage(tmp_path).server() as server:
        with urllib.request.urlopen(f"{server.url}state", timeout=10) as reply:
            assert json.loads(reply.read()) == {"watch": None, "contest": None}
        live = open_watch(tmp_path)
        tell(live, 20, seed=0)
        with urllib.request.urlopen(f"{server.url}events", timeout=10) as reply:
            assert json.loads(reply.readline().removeprefix(b"data: "))["watch"]["verdict"]["n_records"] == 20
        live.close()
        (tmp_path / "live.json").write_text("{")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}state", timeout=10)
        with refused.value as error:
            assert (error.code, b"not what a watch wrote" in error.read()) == (422, True)
