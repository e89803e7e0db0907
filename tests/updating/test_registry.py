"""A registry has exactly one champion, whatever happens to the process that changes it; what is changed in its log shows."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.core.errors import BundleError, OptionError, StorageError
from headstart.packaging.manifest import seal
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.opening import create_registry, open_registry

BUNDLE = Path(__file__).parent.parent / "packaging" / "bundles" / "format-1"


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory):
    """The bundle with another name, so that its manifest, and nothing else, is another."""
    folder = tmp_path_factory.mktemp("other") / "bundle"
    shutil.copytree(BUNDLE, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {key: value for key, value in manifest.items() if key not in ("schema", "files", "sha256")}
    seal(folder, {**kept, "name": "another"})
    return folder


@pytest.fixture
def place(stores, other_bundle):
    create_registry(stores.place(), BUNDLE)
    with open_registry(stores.place()) as registry:
        registry.add(other_bundle, "window", [b"a", b"b"])
        registry.challenge(2, comparison(CHALLENGE), [b"c"])
    return stores.place()


def comparison(kind):
    first, second = (1, 2) if kind == CHALLENGE else (2, 1)
    return Comparison(kind=kind, first=first, second=second, bet=Bet(level=0.05), limit=100)


def test_a_new_registry_has_the_bundle_as_champion(stores):
    create_registry(stores.place(), BUNDLE)
    with open_registry(stores.place()) as registry:
        assert (registry.champion, registry.challenger, registry.former) == (1, None, None)
        assert registry.problems() == []
        with pytest.raises(OptionError, match="nothing to go back to"):
            registry.roll_back("asked")


def test_promotion_and_rollback(place):
    with open_registry(place) as registry:
        registry.promote(2, "better", comparison(GUARD))
        assert (registry.champion, registry.challenger, registry.former) == (2, None, 1)
        assert registry.comparison(CHALLENGE) is None
        assert registry.comparison(GUARD).limit == 100
        assert registry.roll_back("worse") == 1
        assert (registry.champion, registry.former) == (1, None)
        assert registry.comparison(GUARD) is None
        assert registry.problems() == []


def test_a_comparison_goes_on_where_it_was(place):
    with open_registry(place) as registry:
        found = registry.comparison(CHALLENGE)
        registry.count(found.after(np.array([0.5]), np.array([0.1])), [b"d"])
    with open_registry(place) as registry:
        assert registry.comparison(CHALLENGE).bet.mean == pytest.approx(0.4)
        assert registry.counted(registry.comparison(CHALLENGE)) == {b"c", b"d"}
        assert registry.has_learned(2) == {b"a", b"b"}
        registry.drop_challenger("no better")
        assert registry.challenger is None
        assert registry.comparison(CHALLENGE) is None


def run_killed_at(place, change, line, is_point):
    """Run a change in a process that is killed when it comes to that point, by number; tell whether it got there."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame, event, _):
            nonlocal seen
            if is_point(frame, event):
                seen += 1
                if seen == line:
                    os._exit(9)
            return trace

        with open_registry(place) as registry:
            sys.settrace(trace)
            change(registry)
            sys.settrace(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("kind", ["promotion", "rollback"])
def test_killed_at_every_line_there_is_one_champion(place, stores, kind):
    if kind == "rollback":
        with open_registry(place) as registry:
            registry.promote(2, "better", comparison(GUARD))
    before, after = (1, 2) if kind == "promotion" else (2, 1)
    change = {
        "promotion": lambda registry: registry._move("promotion", 2, "better", comparison(GUARD)),
        "rollback": lambda registry: registry._move("rollback", 1, "worse", None),
    }[kind]
    found = []
    for line in range(1, 3000):
        copy = stores.copied(place, f"copy-{line}")
        was_killed = run_killed_at(copy, change, line, stores.is_point)
        champion = stores.champion(copy)
        with open_registry(copy) as registry:
            assert registry.champion == champion  # settling never moves it
            assert registry.problems() == []
            assert registry.challenger is None or registry.champion == 1
            assert (registry.comparison(GUARD) is not None) == (registry.champion == 2)
        found.append(champion)
        stores.drop(copy)
        if not was_killed:
            break
    assert line > stores.least_points
    assert found == sorted(found, key=[before, after].index)
    assert set(found) == {before, after}


def test_a_changed_entry_of_the_log_shows(place, stores):
    stores.rewrite(place, lambda rows: [[*rows[0][:3], rows[0][3].replace("given", "taken"), rows[0][4]], *rows[1:]])
    with open_registry(place) as registry:
        assert registry.problems() == ["entry 1 of the log is not as it was written"]


def test_a_missing_entry_of_the_log_shows(place, stores):
    stores.rewrite(place, lambda rows: rows[:2] + rows[3:])
    with open_registry(place) as registry:
        assert "entry 3 of the log is not as it was written" in registry.problems()


def test_an_entry_that_holds_something_else_is_said(place, stores):
    stores.rewrite(place, lambda rows: [[*rows[0][:3], "[]", rows[0][4]], *rows[1:]])
    with pytest.raises(StorageError, match="cannot be read"), open_registry(place):
        pass


def test_a_champion_that_the_log_does_not_know_shows(place, stores):
    stores.crown(place, 2)
    with open_registry(place) as registry:
        assert registry.problems() == ["the champion is version 2, and by the log it is version 1"]


def test_a_version_that_was_changed_is_not_promoted(place, stores):
    stores.damage(place, 2)
    with open_registry(place) as registry:
        (problem,) = registry.problems()
        assert "version 2" in problem
        with pytest.raises(BundleError, match="version 2"):
            registry.promote(2, "asked")
        assert registry.champion == 1


def test_one_process_at_a_time(place):
    with open_registry(place), pytest.raises(OptionError, match="another process"), open_registry(place):
        pass


def test_what_is_no_registry_is_said(stores, place):
    with pytest.raises(OptionError, match="--init"), open_registry(stores.place("another")):
        pass
    with pytest.raises(StorageError, match=r"holds something|registry already|model already"):
        create_registry(place, BUNDLE)


def test_a_damaged_database_is_said(tmp_path):
    create_registry(tmp_path / "registry", BUNDLE)
    (tmp_path / "registry" / "registry.sqlite").write_bytes(b"no database at all")
    with pytest.raises(StorageError, match="--init"), open_registry(tmp_path / "registry"):
        pass


def test_what_is_no_registry_is_told_what_makes_it_one(models, tmp_path):
    with pytest.raises(OptionError, match=r"is a bundle; .*update NEW_FOLDER --init"), open_registry(models / "good"):
        pass
    folder = tmp_path / "registry"
    create_registry(folder, models / "good")
    (folder / "champion").unlink()
    with pytest.raises(OptionError, match="ln -s versions/NUMBER"), open_registry(folder):
        pass
