"""Columns whose names mean the same in other words are proposed, and never matched by themselves."""

from __future__ import annotations

import pytest

from headstart.data.column_matching import match_columns
from headstart.data.column_profiles import ColumnProfile
from headstart.pipeline.column_meaning import ENCODERS, with_meanings
from headstart.sources.catalogue import find
from headstart.sources.fetching import is_kept


def columns(*names, modality="number"):
    return [ColumnProfile(name=name, modality=modality) for name in names]


def proposed(source, target):
    return {(one.source, one.target) for one in with_meanings(match_columns(source, target), source, target).meanings}


@pytest.fixture
def encoder(fetched_cache):
    if not any(is_kept(find(name)) for name in ENCODERS):
        pytest.skip("no sentence encoder is in the cache")


@pytest.mark.usefixtures("encoder")
def test_other_words_for_the_same_are_proposed_and_not_applied():
    source, target = columns("physician", "vehicle", "rainfall"), columns("car", "doctor", "x7")
    matches = with_meanings(match_columns(source, target), source, target)
    assert {(one.source, one.target) for one in matches.meanings} == {("physician", "doctor"), ("vehicle", "car")}
    assert matches.n_matched == 0
    assert "--match doctor=physician" in " ".join(one.sentence for one in matches.meanings)


@pytest.mark.usefixtures("encoder")
def test_other_kinds_and_matched_columns_are_not_proposed():
    assert proposed(columns("physician"), columns("doctor", modality="category")) == set()
    assert proposed(columns("doctor", "physician"), columns("doctor")) == set()


def test_without_an_encoder_nothing_is_proposed_and_nothing_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert proposed(columns("physician"), columns("doctor")) == set()
    assert not list(tmp_path.rglob("*"))
