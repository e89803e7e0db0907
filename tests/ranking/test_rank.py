"""Rank: what it says of each source, what it may look at, and the limits with their nearest miss."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import headstart
import tiny
from headstart.core.dataset import Dataset
from headstart.core.errors import DataError, OptionError, SourceError
from headstart.features import embed
from headstart.ranking import Halving, Limits
from headstart.ranking.latency import cached_latency_ms, measure_latency_ms
from headstart.sources import Source, built_in, find
from headstart.sources.listing import size_mib

RANK = sys.modules["headstart.ranking.rank"]
TEXTS = ("tiny-bert", "tiny-static-embeddings")


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    """Two sources for texts of some kilobytes, and no others."""
    folder = tmp_path_factory.mktemp("sources")
    with pytest.MonkeyPatch.context() as patch:
        opened = tiny.open_all(("bert", "static-embeddings"), folder, patch)
        licenses = ("Apache-2.0", "CC-BY-NC-4.0")
        known = {made.name: replace(made, license=its) for made, its in zip(opened.values(), licenses, strict=True)}
        patch.setattr(built_in, "_known", lambda: known)
        yield


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Texts of words that the tiny sources know, labelled by one of the words."""
    rng = np.random.default_rng(0)
    fruit = ["apple" if i % 2 else "kiwi" for i in range(160)]
    texts = [" ".join([*rng.choice(tiny.WORDS[4:12], 5), word]) for word in fruit]
    return headstart.load((texts, fruit))


def rank(dataset, **options):
    return headstart.rank(dataset, progress=None, **options)


def test_says_all_there_is_to_say_of_each_source(dataset):
    ranking = rank(dataset)
    figures = json.loads(json.dumps(ranking.to_dict()))
    assert set(figures) == {"metric", "n_items", "sentence", "sources"}
    assert {source["name"] for source in figures["sources"]} == set(TEXTS)
    for source in figures["sources"]:
        assert set(source) == {
            *("name", "score", "predicted", "n_items", "seconds", "latency_ms", "size_mib", "license", "dropped")
        }
        assert source["score"]["low"] <= source["score"]["value"] <= source["score"]["high"]
        assert source["predicted"]["name"] == figures["metric"] == "accuracy"
        assert source["latency_ms"] > 0
        assert source["seconds"] > 0
    best, other = figures["sources"]
    assert best["dropped"] == ""
    assert best["name"] in other["dropped"]
    assert ranking.best.name in ranking.sentence


def test_is_the_same_twice(dataset):
    def findings(ranking):
        return [(s.name, s.score, s.predicted, s.n_items, s.dropped) for s in ranking.sources]

    assert findings(rank(dataset)) == findings(rank(dataset))


def test_features_of_the_ranking_are_not_computed_again(dataset):
    best = rank(dataset, halving=Halving(cap=48)).best.name
    fitted = embed(dataset.items, headstart.open_source(best, stream=None))
    texts = len(set(dataset.items))
    assert fitted.n_computed <= texts - 1
    assert embed(dataset.items, headstart.open_source(best, stream=None)).n_computed == 0


def test_the_test_part_is_never_looked_at(dataset, monkeypatch):
    looked = []
    monkeypatch.setattr(RANK, "embed", lambda items, *a, **k: looked.extend(items) or embed(items, *a, **k))
    splits = np.array(["test" if i < 60 else "train" for i in range(160)])
    marked = replace(dataset, items=[f"{text} {'race' if i < 60 else ''}" for i, text in enumerate(dataset.items)])
    rank(replace(marked, splits=splits))
    assert looked
    assert set(looked) <= set(marked.items[60:])


def test_sources_can_be_named(dataset):
    ranking = rank(dataset, sources=["tiny-bert"])
    assert [source.name for source in ranking.sources] == ["tiny-bert"]
    with pytest.raises(OptionError, match="Did you mean 'tiny-bert'"):
        rank(dataset, sources=["tiny-brt"])


class TestLimits:
    def test_a_source_outside_is_left_out_with_the_reason(self, dataset):
        ranking = rank(dataset, limits=Limits(license="permissive"))
        assert [source.name for source in ranking.sources] == list(TEXTS)
        refused = ranking.sources[1]
        assert (refused.score, refused.n_items, refused.latency_ms) == (None, 0, None)
        assert refused.dropped == "its license, CC-BY-NC-4.0, is not among: permissive"

    def test_the_best_within_the_limits_is_chosen(self, dataset):
        assert rank(dataset, limits=Limits(license="CC-BY-NC-4.0")).best.name == "tiny-static-embeddings"

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            (Limits(max_latency_ms=1e-6), r"no source is within 1e-06 ms; the nearest is tiny-\S+ at [\d.e-]+ ms"),
            (Limits(max_size_mib=0.001), r"no source is within 0.001 MiB; the nearest is tiny-\S+ at 0.0 MiB"),
            (
                Limits(license="MIT"),
                r"no source has a license among MIT; there are Apache-2.0 \(tiny-bert\), CC-BY-NC-4.0 \(tiny-static",
            ),
        ],
    )
    def test_none_within_names_the_nearest_miss(self, dataset, limits, message):
        with pytest.raises(OptionError, match=message):
            rank(dataset, limits=limits)

    @pytest.mark.parametrize("name", ["max_latency_ms", "max_size_mib"])
    def test_a_limit_must_be_above_zero(self, name):
        with pytest.raises(OptionError, match=f"{name} must be above 0, got -1"):
            Limits(**{name: -1})

    def test_a_license_must_be_known(self):
        with pytest.raises(OptionError, match="Apache-2.0"):
            Limits(license="Apache-2.1")

    def test_a_budget_that_no_source_can_keep_names_the_nearest(self, dataset):
        with pytest.raises(
            OptionError, match=r"no source can embed 160 items in the remaining 0.0 s .* the nearest is tiny-"
        ):
            rank(dataset, budget_s=1e-6)

    def test_size_is_that_of_packed_weights(self):
        assert size_mib(replace(find("tiny-bert"), parameters=2**20)) == 4.0


def test_a_source_that_cannot_be_had_is_left_out_unless_it_was_named(dataset, monkeypatch):
    def refuse(card, **options):
        if card.name == "tiny-bert":
            raise SourceError("cannot fetch tiny-bert.")
        return headstart.open_source(card, **options)

    monkeypatch.setattr(RANK, "open_source", refuse)
    ranking = rank(dataset)
    assert ranking.best.name == "tiny-static-embeddings"
    assert ranking.sources[1].dropped == "cannot fetch tiny-bert."
    with pytest.raises(SourceError, match="cannot fetch tiny-bert"):
        rank(dataset, sources=["tiny-bert"])


def test_items_that_cannot_be_read_are_an_error_only_if_there_are_no_others(dataset, monkeypatch):
    source = headstart.open_source("tiny-bert", stream=None)
    session, transform = source.session(), source.input.transform

    def refuse_broken(items):
        if items == ["broken"]:
            raise DataError("broken")
        return transform(items)

    monkeypatch.setattr(type(source.input), "transform", lambda _self, items: refuse_broken(items))
    assert measure_latency_ms(source, session, ["broken", *dataset.items]) > 0
    with pytest.raises(DataError, match="none of the first 2 items"):
        measure_latency_ms(source, session, ["broken", "broken"])


def test_latency_is_measured_once_for_the_same_items(dataset):
    source = headstart.open_source("tiny-bert", stream=None)
    times_ms = iter([3.0, 5.0, 7.0])
    first, again, other = (
        cached_latency_ms(source, items, lambda: next(times_ms))
        for items in (dataset.items[20:], dataset.items[20:], dataset.items[40:])
    )
    assert (first, again, other) == (3.0, 3.0, 5.0)


def test_a_source_is_opened_once_for_all_rounds_where_its_latency_is_known(dataset, monkeypatch):
    rank(dataset, halving=Halving(cap=32))
    opened = []
    session = Source.session
    monkeypatch.setattr(Source, "session", lambda source: (opened.append(source.name), session(source))[1])
    unseen = replace(dataset, items=[*dataset.items[:6], *(f"{text} {text}" for text in dataset.items[6:])])
    rank(unseen, halving=Halving(cap=128, ranker="h-score"))
    assert sorted(opened) == sorted(TEXTS)
