"""What is better is promoted, what is worse is not or is taken back, and records count once."""

import json
import sqlite3
import time
from importlib import import_module

import pandas as pd
import pytest
from commands import go_through, run

from headstart import load_bundle, update
from headstart.core.errors import DataError, OptionError
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.old_items import keep_items
from headstart.updating.opening import create_registry, open_registry
from headstart.updating.trying import make_challengers
from headstart.updating.update import promote_challenger


@pytest.fixture
def registry(tmp_path, models):
    create_registry(tmp_path / "registry", models / "good")
    return tmp_path / "registry"


def plant(folder, bundle, kind=CHALLENGE):
    """Make a bundle the challenger, or the champion whose former one watches."""
    with open_registry(folder) as store:
        number = store.add(bundle, "planted")
        first, second = (1, number) if kind == CHALLENGE else (number, 1)
        comparison = Comparison(kind=kind, first=first, second=second, bet=Bet(level=0.05), limit=None)
        if kind == CHALLENGE:
            store.challenge(number, comparison, ())
        else:
            store.promote(number, "planted", comparison)


def follow(folder, make_table, n_batches=4):
    """Decisions on further batches, judged without new challengers."""
    return [
        update(folder, make_table(250, 50 + i), target="label", challengers="none").decision for i in range(n_batches)
    ]


def test_a_world_that_turned_makes_a_new_champion(registry, make_table):
    turned = make_table(400, 7, turned=1.0)
    done = update(registry, turned, target="label", challengers="residual,recalibrate")
    assert (done.decision, done.exit_code) == ("promoted", 0)
    assert (done.former, done.n_records) == (1, 400)
    assert sorted(one.name for one in done.tried) == ["recalibrate", "residual"]
    assert f"Version {done.champion} is the champion now" in done.sentence
    bundle = load_bundle(registry / "champion")
    assert bundle.labels == ("no", "yes")
    assert json.dumps(done.to_dict())


def test_nothing_is_promoted_where_nothing_changed(registry, make_table):
    done = update(registry, make_table(150, 8), target="label", challengers="recalibrate")
    assert (done.decision, done.champion) == ("kept", 1)


def test_a_bad_challenger_is_given_up(registry, models, make_table):
    plant(registry, models / "bad")
    assert set(follow(registry, make_table)) == {"kept"}
    with open_registry(registry) as store:
        assert (store.champion, store.challenger) == (1, None)


def test_a_good_challenger_is_promoted(tmp_path, models, make_table):
    create_registry(tmp_path / "registry", models / "bad")
    plant(tmp_path / "registry", models / "good")
    assert "promoted" in follow(tmp_path / "registry", make_table)


def test_a_bad_promotion_is_rolled_back(registry, models, make_table):
    plant(registry, models / "bad", GUARD)
    assert "rolled back" in follow(registry, make_table)
    with open_registry(registry) as store:
        assert store.champion == 1


def test_a_record_counts_once_and_never_for_what_learned_it(registry, models, make_table):
    plant(registry, models / "bad")
    records = make_table(100, 9)
    for _ in range(2):
        update(registry, records, target="label", challengers="none")
    with open_registry(registry) as store:
        assert store.comparison(CHALLENGE).bet.n == 100
        learned = sorted(store.counted(store.comparison(CHALLENGE)))[:40]
        store.add(models / "good", "later", learned)
        assert store.has_learned(3) == set(learned)


def test_a_person_must_agree(tmp_path, models, make_table):
    folder = tmp_path / "registry"
    create_registry(folder, models / "bad")
    plant(folder, models / "good")
    with pytest.raises(OptionError, match="shown to be better"):
        promote_challenger(folder)
    asked = []
    done = update(folder, make_table(600, 10), target="label", challengers="none", approve=True, confirm=asked.append)
    assert (done.decision, done.exit_code, done.champion) == ("needs approval", 3, 1)
    assert len(asked) == 1
    assert "Version 2 is the champion now" in promote_challenger(folder)


def test_old_items_must_not_get_worse(tmp_path, registry, make_table):
    path = tmp_path / "old.csv"
    pd.DataFrame(make_table(200, 11)).to_csv(path, index=False)
    with open_registry(registry) as store:
        with pytest.raises(OptionError, match="no column of the champion named 'd'"):
            keep_items(store, path, {"target": "label"}, "d")
        assert keep_items(store, path, {"target": "label"}, "c") == 200
    done = update(registry, make_table(400, 12, turned=1.0), target="label", challengers="residual")
    assert done.decision == "kept"
    assert "all: loss +" in done.tried[0].worse_on[0]
    assert any(one.startswith("c x") for one in done.tried[0].worse_on)


def test_too_few_records_are_said(registry, make_table):
    done = update(registry, make_table(12, 13), target="label", challengers="recalibrate")
    assert "20 and 10 are needed" in done.tried[0].error


def test_time_is_kept_for_judging(registry, make_table, monkeypatch):
    told_s = []

    def make_none(names, champion, early, late, context):
        told_s.append(context.clock.left_s)
        return make_challengers((), champion, early, late, context)

    monkeypatch.setattr(import_module("headstart.updating.update"), "make_challengers", make_none)
    started = time.perf_counter()
    update(registry, make_table(60, 21), target="label", challengers="residual", budget_s=600)
    spent_s = time.perf_counter() - started
    assert max(300, 600 - 2 * spent_s) <= told_s[0] < 600


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"challengers": ()}, "at least one challenger"),
        ({"challengers": "refit"}, "no challenger named 'refit'"),
        ({"level": 1.5}, "between 0 and 1"),
        ({"budget_s": 0.0}, "above 0 s"),
        ({"guard_records": -1}, "-1 came"),
    ],
)
def test_settings_that_make_no_sense_are_refused(registry, make_table, options, said):
    with pytest.raises(OptionError, match=said):
        update(registry, make_table(40, 14), target="label", **options)


def test_labels_that_nobody_knows_are_refused(registry, make_table):
    records = {**make_table(40, 15), "label": ["maybe", "never"] * 20}
    with pytest.raises(DataError):
        update(registry, records, target="label", challengers="none")


def test_the_command(tmp_path, models, make_table, capsys):
    folder, path = tmp_path / "registry", tmp_path / "recent.csv"
    pd.DataFrame(make_table(400, 16, turned=1.0)).to_csv(path, index=False)
    go_through(capsys, folder, str(folder), models / "good", path)
    (folder / "versions" / "2" / "model.onnx").write_bytes(b"x")
    assert run(capsys, folder, "--verify")[0] == 1
    with sqlite3.connect(folder / "registry.sqlite") as database:
        database.execute("DELETE FROM log")
    database.close()
    code, figures = run(capsys, folder, "--verify")
    assert (code, figures["problems"][0]) == (1, "the log is empty")
    with pytest.raises(OptionError, match="one thing to do"):
        run(capsys, folder, "--history", "--verify")
