"""References: every built-in source has one, and the distance from it means something."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from headstart.sources import cards
from headstart.sources.imported_store import ImportedCard
from headstart.sources.references import Reference, reference_of

BUILT_IN = [card for card in cards() if not isinstance(card, ImportedCard) and not card.is_in_context]


@pytest.mark.parametrize("card", BUILT_IN, ids=lambda card: card.name)
def test_every_source_has_a_reference_of_its_dimensions(card):
    reference = reference_of(card)
    assert reference.mean.shape == reference.deviation.shape == (card.dimensions,)
    assert (reference.deviation >= 0).all()
    assert 0 < reference.typical < 1


def test_a_source_of_the_users_own_has_none():
    assert reference_of(tiny.card("bert")) is None


@pytest.fixture
def everyday():
    rng = np.random.default_rng(0)
    return [rng.normal(rng.normal(0, 0.3, 20), 1, (100, 20)) for _ in range(4)]


def test_other_items_of_the_same_data_are_nearer_than_any_dataset_to_the_others(everyday):
    reference = Reference.of([one[:50] for one in everyday])
    assert all(reference.distance(one[50:]) < reference.typical for one in everyday)


@pytest.mark.parametrize(
    "change", [lambda x: x + 3, lambda x: x * 10, lambda x: x * 0.01], ids=["shift", "wide", "narrow"]
)
def test_what_is_shifted_or_spread_otherwise_is_farther(everyday, change):
    reference = Reference.of(everyday)
    assert reference.distance(change(everyday[0])) > 1.2 * reference.typical


def test_distance_grows_with_the_shift_and_stays_below_one(everyday):
    reference = Reference.of(everyday)
    found = [reference.distance(everyday[0] + step) for step in (1, 3, 10, 1e6)]
    assert found == sorted(found)
    assert found[-1] <= 1


def test_a_feature_that_never_changes_does_not_decide(everyday):
    silent = [np.column_stack([one, np.zeros(len(one))]) for one in everyday]
    reference = Reference.of(silent)
    assert reference.distance(silent[0]) <= reference.typical
    trace = silent[0].copy()
    trace[:, -1] = 1e-3
    assert reference.distance(trace) == pytest.approx(reference.distance(silent[0]), abs=0.01)


def test_written_and_read_again_it_is_the_same(everyday, tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.sources.references.FOLDER", tmp_path)
    made = Reference.of(everyday)
    (tmp_path / "tiny-bert.safetensors").write_bytes(made.to_bytes())
    read = reference_of(tiny.card("bert"))
    assert read.typical == pytest.approx(made.typical)
    assert read.distance(everyday[1] + 1) == pytest.approx(made.distance(everyday[1] + 1), abs=1e-5)
