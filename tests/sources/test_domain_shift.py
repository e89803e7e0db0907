"""Mismatch: each warning appears where it should, and not where it should not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import tiny
from headstart.sources import find
from headstart.sources.domain_shift import domain_shifts
from headstart.sources.references import reference_of

MINILM, LITE0 = find("all-minilm-l6-v2"), find("efficientnet-lite0")
SHORT = ["The train was late again, and nobody had told the people on the platform that it would be."] * 20
LONG = [" ".join(SHORT[:20])] * 20
GERMAN = ["Der Zug war schon wieder zu spät, und niemand hatte das den Leuten auf dem Bahnsteig gesagt."] * 20


def said(items, card, features=None):
    notices = domain_shifts(items, card, features)
    assert {notice.kind for notice in notices} <= {"suitability"}
    return " ".join(notice.message for notice in notices)


def photo(width=300, height=300, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grey(width=300, height=300):
    return np.repeat(photo(width, height)[:, :, :1], 3, axis=2)


class TestTexts:
    @pytest.fixture(autouse=True)
    def _nothing_fetched(self, cache):
        """Sources are in no cache: lengths are estimated."""

    def test_short_english_texts_suit(self):
        assert said(SHORT, MINILM) == ""

    def test_long_texts(self):
        message = said([*LONG[:8], *SHORT[:12]], MINILM)
        assert "40% of the texts are longer than the 128 tokens that all-minilm-l6-v2 reads" in message
        assert "estimated from their words" in message

    def test_a_few_long_texts_are_let_pass(self):
        assert said([*LONG[:1], *SHORT[:19]], MINILM) == ""

    def test_a_longer_window_reads_them(self):
        assert said(LONG, find("wordllama-256")) == ""

    def test_another_language(self):
        assert "look like German, but all-minilm-l6-v2 was trained on texts in: en." in said(GERMAN, MINILM)

    def test_nothing_is_said_of_a_source_whose_languages_are_not_known(self):
        assert said(GERMAN, tiny.card("bert", input=dict(MINILM.input))) == ""

    def test_the_sources_own_tokenizer_counts(self, cache):
        card = tiny.card("static-embeddings")
        tiny.source("static-embeddings", tiny.kept_folder(cache, card))
        words = ["head start " * 6, "head start " * 7]  # 12 tokens fit
        assert "50% of the texts are longer than the 12 tokens that tiny-static-embeddings reads:" in said(words, card)


class TestPhotos:
    def test_large_photos_in_colour_suit(self):
        assert said([photo()] * 10, LITE0) == ""

    def test_small(self):
        message = said([photo(28, 40)] * 10, LITE0)
        assert "100% of the photos are smaller than the 224 pixels that efficientnet-lite0 sees" in message
        assert "have 28 or fewer" in message

    def test_without_colour(self):
        assert "50% of the photos have no colour" in said([grey(), photo()] * 5, LITE0)
        assert said([grey(), *[photo()] * 19], LITE0) == ""

    def test_long(self):
        message = said([photo(800, 240), photo(240, 800)], LITE0)
        assert "100% of the photos are more than twice as long as wide" in message
        assert "less than half" not in said([photo(400, 300)], LITE0)

    def test_what_is_not_cut_is_not_said_to_be(self):
        assert said([photo(800, 240)], tiny.card("resnet")) == ""  # it sees the whole photo, squashed

    def test_photos_that_cannot_be_read_are_passed_over(self, tmp_path):
        Image.fromarray(photo()).save(tmp_path / "good.png")
        assert said([tmp_path / "good.png", tmp_path / "gone.png"], LITE0) == ""
        assert said([tmp_path / "gone.png"], LITE0) == ""


class TestFeatureSpace:
    @pytest.fixture
    def near(self):
        reference = reference_of(LITE0)
        rng = np.random.default_rng(0)
        return rng.normal(reference.mean, reference.deviation, (60, LITE0.dimensions))

    def test_near_and_far(self, near):
        assert said([photo()], LITE0, near) == ""
        assert "times as far from everyday images" in said([photo()], LITE0, near + 3)

    def test_too_few_items_say_nothing(self, near):
        assert said([photo()], LITE0, near[:20] + 3) == ""

    def test_a_source_without_a_reference_says_nothing(self, near):
        assert said([photo()], tiny.card("resnet"), near[:, :12] + 3) == ""
