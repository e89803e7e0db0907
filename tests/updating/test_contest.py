"""What the live page shows of a registry: on a real one, whose contest is running, and in Chromium."""

import re
import shutil
import sqlite3

import numpy as np
import pytest

import missing
from headstart import update
from headstart.monitoring.live_page import LivePage
from headstart.packaging import load_bundle
from headstart.packaging.registries.folder import DATABASE
from headstart.storage.alias import registry_of
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.contest import ContestFeed, contest_of
from headstart.updating.opening import create_registry, open_registry
from headstart.updating.update import promote_challenger

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def registry(tmp_path, models):
    """A champion that is worse than its challenger; nothing is judged yet."""
    create_registry(tmp_path / "registry", models / "bad")
    with open_registry(tmp_path / "registry") as store:
        number = store.add(models / "good", "planted")
        comparison = Comparison(kind=CHALLENGE, first=1, second=number, bet=Bet(level=0.05))
        store.challenge(number, comparison, ())
    return tmp_path / "registry"


def judge(registry, make_table, n, seed, **how):
    return update(registry, make_table(n, seed), target="label", challengers="none", **how)


def test_a_contest_from_its_first_record_to_a_rollback(registry, make_table):
    feed = ContestFeed(registry)
    first = feed()
    assert (first.champion, first.compared[0].version, first.compared[0].n) == ("1", "2", 0)
    assert [step.sentence for step in first.steps] == [
        "Version 2 became the challenger.", "The registry was made, with version 1 as its champion."
    ]  # fmt: skip
    judge(registry, make_table, 30, 51)
    running = feed()
    (judged,) = running.compared
    assert judged.n == 30
    assert judged.low < judged.gain < judged.high
    assert 0 < judged.evidence < judged.needed == 20
    assert running.decision.startswith("Not decided yet: version 2")
    judge(registry, make_table, 600, 52, approve=True)
    shown = feed()
    assert shown.compared[0].evidence >= 20
    assert "shown to be better" in shown.decision
    assert shown.steps[0].sentence.startswith("A person was asked to promote version 2: version 2 is better")
    promote_challenger(registry)
    crowned = feed()
    assert (crowned.champion, crowned.compared[0].role, crowned.compared[0].limit) == ("2", "former champion", 2000)
    assert re.match(r"Version 2 was promoted in the place of version 1: .*agreed", crowned.steps[0].sentence)
    assert crowned.since == crowned.steps[0].time > first.since
    with open_registry(registry) as store:
        assert store.comparison(GUARD) is not None
        store.roll_back("a person asked")
    back = feed()
    assert back.champion == "1"
    assert back.compared == ()
    assert back.steps[0].sentence == "Version 1 was put back in the place of version 2: a person asked."


def test_it_is_read_while_another_process_changes_it(registry):
    feed = ContestFeed(registry)
    with open_registry(registry) as store:
        store.note("tried", challengers=[])
        assert feed().champion == "1"
        assert feed() is feed()  # nothing was written in between
        store.drop_challenger("it is no better")
        assert feed().steps[0].sentence == "Version 2 was given up: it is no better."


def test_what_cannot_be_read_is_said_beside_what_was_known(registry):
    feed = ContestFeed(registry)
    assert feed().problem == ""
    (registry / DATABASE).write_bytes(b"no database" * 100)
    assert (feed().champion, "registry.sqlite cannot be read" in feed().problem) == ("1", True)


def test_older_comparisons_have_no_squares_and_so_a_wide_interval(registry, make_table):
    judge(registry, make_table, 50, 53)
    known = contest_of(registry).compared[0]
    with sqlite3.connect(registry / DATABASE) as database:
        database.execute("UPDATE comparisons SET said = json_remove(said, '$.bet.squares')")
    database.close()
    older = contest_of(registry).compared[0]
    assert older.low < known.low < known.high < older.high


def test_a_registry_is_found_by_what_lies_in_it(registry, tmp_path):
    (tmp_path / "elsewhere").symlink_to(registry / "versions" / "2")
    for path in (registry, registry / "champion", registry / "versions" / "2", tmp_path / "elsewhere"):
        assert registry_of(path).resolve() == registry.resolve()
    assert registry_of(tmp_path) is None


def test_the_interval_holds_at_every_look():
    rng = np.random.default_rng(0)
    n_missed = 0
    for _ in range(200):
        bet, missed = Bet(level=0.05), False
        for part in np.split(rng.choice([-0.3, 0.1], p=[0.2, 0.8], size=1_000), 20):  # of mean 0.02
            bet = bet.after(part)
            missed |= not bet.interval[0] <= 0.02 <= bet.interval[1]
        n_missed += missed
    assert n_missed <= 18  # 5 % of 200, and three standard errors
    assert bet.interval[1] - bet.interval[0] < 0.05


def test_the_page_follows_the_contest(registry, make_table, tmp_path):
    if CHROMIUM is None:
        missing.skip("browser")
    from playwright.sync_api import sync_playwright

    judge(registry, make_table, 30, 51)
    page_of = LivePage(tmp_path / "watch", contest=ContestFeed(registry))
    with sync_playwright() as driver, page_of.server() as server:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        errors = []
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.url)
        page.get_by_role("heading", name="Challenger against champion").wait_for()
        page.get_by_text("Version 2, challenger").wait_for()
        page.get_by_text("Not decided yet: version 2").wait_for()
        judge(registry, make_table, 600, 52)
        page.get_by_text("Version 2 answers").wait_for()
        page.get_by_text("was promoted in the place of version 1").wait_for()
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert errors == []
        chromium.close()


def test_a_registry_is_opened_as_its_champion(registry):
    assert load_bundle(registry).manifest == load_bundle(registry / "champion").manifest
