"""Suitability: said of every source of the modality, with features only where they are at hand."""

from __future__ import annotations

import numpy as np
import pytest

import headstart
from headstart.ranking import inspect_sources
from headstart.sources import cards, find

GERMAN = "Der Zug war schon wieder zu spät, und niemand hatte das den Leuten auf dem Bahnsteig gesagt"


@pytest.fixture
def texts():
    items = [f"{GERMAN}: Nummer {i}." for i in range(60)]
    return headstart.load({"text": items, "label": ["a", "b"] * 30}, input="text", target="label")


def test_every_source_of_the_modality_with_its_biases_and_without_a_network(texts, cache):
    found = inspect_sources(texts)
    assert [one.name for one in found] == [card.name for card in cards() if card.modality == "text"]
    assert all(one.known_bias for one in found)
    assert all("German" in " ".join(one.warnings) for one in found)
    assert not (cache / "sources").exists()


@pytest.mark.downloads
def test_noise_is_far_from_everyday_photos_and_shelves_are_not(fetched_cache, real_data, monkeypatch):
    monkeypatch.setattr(
        "headstart.ranking.suitability.source_cards", lambda _dataset, _sources: [find("efficientnet-lite0")]
    )
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (224, 224, 3), dtype=np.uint8) for _ in range(40)]
    far = headstart.load({"image": noise, "label": ["a", "b"] * 20}, input="image", target="label")
    shelves = headstart.load(real_data("groceries"))
    for dataset, is_far in ((far, True), (shelves.take(np.arange(0, len(shelves), 24)), False)):
        (lite0,) = inspect_sources(dataset)
        assert ("times as far" in " ".join(lite0.warnings)) is is_far
