"""A registry has exactly one champion, whatever happens to the process that changes it; what is changed in its log shows."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.core.errors import BundleError, OptionError, StorageError
from headstart.storage.alias import read_alias
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.opening import create_registry, open_registry

BUNDLE = Path(__file__).parent.parent / "packaging" / "bundles" / "format-1"
OWN = ("updating", "storage")  # whose lines a process is killed at


@pytest.fixture
def folder(tmp_path):
    create_registry(tmp_path / "registry", BUNDLE)
    with open_registry(tmp_path / "registry") as registry:
        registry.add(BUNDLE, "window", [b"a", b"b"])
        registry.challenge(2, comparison(CHALLENGE), [b"c"])
    return tmp_path / "registry"


def comparison(kind):
    first, second = (1, 2) if kind == CHALLENGE else (2, 1)
    return Comparison(kind=kind, first=first, second=second, bet=Bet(level=0.05), limit=100)


def steps(folder):
    with open_registry(folder) as registry:
        return [entry.step for entry in registry.history()]


def test_a_new_registry_has_the_bundle_as_champion(tmp_path):
    create_registry(tmp_path / "registry", BUNDLE)
    with open_registry(tmp_path / "registry") as registry:
        assert (registry.champion, registry.challenger, registry.former) == (1, None, None)
        assert registry.problems() == []
        with pytest.raises(OptionError, match="nothing to go back to"):
            registry.roll_back("asked")


def test_promotion_and_rollback(folder):
    with open_registry(folder) as registry:
        registry.promote(2, "better", comparison(GUARD))
        assert (registry.champion, registry.challenger, registry.former) == (2, None, 1)
        assert registry.comparison(CHALLENGE) is None
        assert registry.comparison(GUARD).limit == 100
        assert registry.roll_back("worse") == 1
        assert (registry.champion, registry.former) == (1, None)
        assert registry.comparison(GUARD) is None
        assert registry.problems() == []


def test_a_comparison_goes_on_where_it_was(folder):
    with open_registry(folder) as registry:
        found = registry.comparison(CHALLENGE)
        registry.count(found.after(np.array([0.5]), np.array([0.1])), [b"d"])
    with open_registry(folder) as registry:
        assert registry.comparison(CHALLENGE).bet.mean == pytest.approx(0.4)
        assert registry.counted(registry.comparison(CHALLENGE)) == {b"c", b"d"}
        assert registry.has_learned(2) == {b"a", b"b"}
        registry.drop_challenger("no better")
        assert registry.challenger is None
        assert registry.comparison(CHALLENGE) is None


def run_killed_at(folder, change, line):
    """Run a change in a process that is killed when it comes to that line of ours, by number; tell whether it got there."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame, event, _):
            nonlocal seen
            if Path(frame.f_code.co_filename).parent.name not in OWN:
                return None
            if event == "line":
                seen += 1
                if seen == line:
                    os._exit(9)
            return trace

        with open_registry(folder) as registry:
            sys.settrace(trace)
            change(registry)
            sys.settrace(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("kind", ["promotion", "rollback"])
def test_killed_at_every_line_there_is_one_champion(folder, tmp_path, kind):
    if kind == "rollback":
        with open_registry(folder) as registry:
            registry.promote(2, "better", comparison(GUARD))
    before, after = (1, 2) if kind == "promotion" else (2, 1)
    change = {
        "promotion": lambda registry: registry._move("promotion", 2, "better", comparison(GUARD)),
        "rollback": lambda registry: registry._move("rollback", 1, "worse", None),
    }[kind]
    found = []
    for line in range(1, 1000):
        copy = tmp_path / f"copy-{line}"
        shutil.copytree(folder, copy, symlinks=True)
        was_killed = run_killed_at(copy, change, line)
        champion = read_alias(copy, "champion")
        with open_registry(copy) as registry:
            assert registry.champion == champion  # settling never moves it
            assert registry.problems() == []
            assert registry.challenger is None or registry.champion == 1
            assert (registry.comparison(GUARD) is not None) == (registry.champion == 2)
        found.append(champion)
        shutil.rmtree(copy)
        if not was_killed:
            break
    assert line > 30
    assert found == sorted(found, key=[before, after].index)
    assert set(found) == {before, after}


def test_a_changed_entry_of_the_log_shows(folder):
    database = sqlite3.connect(folder / "registry.sqlite")
    with database:
        database.execute("UPDATE log SET detail = replace(detail, 'given', 'taken') WHERE n = 1")
    database.close()
    with open_registry(folder) as registry:
        assert registry.problems() == ["entry 1 of the log is not as it was written"]


def test_a_missing_entry_of_the_log_shows(folder):
    database = sqlite3.connect(folder / "registry.sqlite")
    with database:
        database.execute("DELETE FROM log WHERE n = 3")
    database.close()
    with open_registry(folder) as registry:
        assert "entry 3 of the log is not as it was written" in registry.problems()


def test_a_champion_that_the_log_does_not_know_shows(folder):
    (folder / "champion").unlink()
    (folder / "champion").symlink_to("versions/2")
    with open_registry(folder) as registry:
        assert registry.problems() == ["the champion is version 2, and by the log it is version 1"]


def test_a_version_that_was_changed_is_not_promoted(folder):
    (folder / "versions" / "2" / "manifest.json").write_text("{}")
    with open_registry(folder) as registry:
        assert "version 2" in registry.problems()[0]
        with pytest.raises(BundleError, match="version 2"):
            registry.promote(2, "asked")
        assert registry.champion == 1


def test_one_process_at_a_time(folder):
    with open_registry(folder), pytest.raises(OptionError, match="another process"), open_registry(folder):
        pass


def test_what_is_no_registry_is_said(tmp_path, folder):
    with pytest.raises(OptionError, match="--init"), open_registry(tmp_path):
        pass
    with pytest.raises(StorageError, match="holds something"):
        create_registry(folder, BUNDLE)
    (folder / "registry.sqlite").write_bytes(b"no database at all")
    with pytest.raises(StorageError, match="--init"), open_registry(folder):
        pass
