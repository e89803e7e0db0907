"""The published checks of every plain encoder, and what is known of the built-in ones beyond them."""

import time

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from headstart.features.encoders import plain_encoders
from headstart.features.encoders.characters import CharacterEncoder
from headstart.features.encoders.histograms import histograms
from headstart.features.encoders.ngrams import NgramEncoder
from headstart.features.encoders.text_shape import TextShapeEncoder
from headstart.onnx_graph.builder import GraphBuilder
from headstart.sources.preprocessors.ngrams import terms
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.testing import checks_of

TEXTS = ["Don't stop:  the CAFÉS re-opened", "a\tb a", "", "the stop\u00a0sign", "naïve \x1c ß İ 漢字", "aaaa aaaa"]


@pytest.mark.parametrize("check", checks_of("encoders"), ids=str)
def test_every_encoder(check):
    check()


def test_encoders_are_found_by_modality():
    assert [encoder.name for encoder in plain_encoders("text")] == ["characters", "ngrams", "text-shape"]
    assert [encoder.name for encoder in plain_encoders("image")] == ["histograms"]
    assert plain_encoders("row") == ()


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        (NgramEncoder(), {"analyzer": terms}),
        (CharacterEncoder(), {"analyzer": "char_wb", "ngram_range": (2, 5)}),
    ],
)
def test_terms_are_weighted_as_by_scikit_learn(encoder, settings):
    reference = TfidfVectorizer(sublinear_tf=True, **settings)
    expected = reference.fit_transform(TEXTS)
    fitted = encoder.fit(TEXTS)
    assert fitted.input.vocabulary == tuple(reference.get_feature_names_out())
    np.testing.assert_allclose(fitted.encode(TEXTS).toarray(), expected.toarray(), atol=1e-6)
    assert fitted.encode(TEXTS).dtype == np.float32


@pytest.mark.parametrize("encoder", [NgramEncoder(max_terms=7), CharacterEncoder(max_terms=7)])
def test_the_vocabulary_is_that_of_most_texts(encoder):
    texts = [f"kiwi {word}" for word in ("apple", "lime", "fig")]
    fitted = encoder.fit(texts)
    assert len(fitted.input.vocabulary) == 7
    assert sum(term.strip() in "kiwi" for term in fitted.input.vocabulary) >= min(7, len(fitted.input.terms_of("kiwi")))


def test_rare_terms_of_many_texts_are_left_out():
    texts = ["kiwi lime"] * 200 + ["rare kiwi"]
    assert "rare" not in NgramEncoder().fit(texts).input.vocabulary
    assert "rare" in NgramEncoder().fit(texts[1:]).input.vocabulary


@pytest.mark.parametrize("encoder", [NgramEncoder(), CharacterEncoder()])
def test_the_graph_never_holds_a_column_a_term(encoder):
    fitted = encoder.fit(["".join(chr(97 + (i * j) % 26) for j in range(9)) for i in range(300)])
    graph = GraphBuilder()
    fitted.scoring(np.ones((fitted.block.stop, 2))).encode(graph)
    gathered = [node for node in graph._nodes if node.op_type == "Gather"]
    assert len(gathered) == 2
    assert all(node.op_type not in ("ScatterElements", "ScatterND", "OneHot") for node in graph._nodes)


def test_shape_tells_long_from_short_and_loud_from_calm():
    fitted = TextShapeEncoder().fit(["one two", "ONE TWO!!", "one two three four. five six"])
    calm, loud, long = fitted.encode(["one two", "ONE TWO!!", "one two three four. five six"])
    column = fitted.input.counted.index
    assert loud[column("capitals")] > calm[column("capitals")]
    assert long[column("words")] > calm[column("words")]
    assert not fitted.encode(["4 5 6"])[0, column("currency_signs")]  # constant in the training part


def test_counting_is_quick():
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice([*"etaoinshrdlu"], rng.integers(2, 10))) for _ in range(5000)])
    texts = [" ".join(rng.choice(words, 200)) for _ in range(100)]
    for encoder in plain_encoders("text"):
        encoder.fit(texts[:2]).encode(texts[:2])  # imports what it needs
        started = time.perf_counter()
        encoder.fit(texts).encode(texts)
        assert time.perf_counter() - started < 2


class TestHistograms:
    def test_colours_are_shared_between_bins_and_add_up(self):
        rng = np.random.default_rng(0)
        rows = histograms([rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in range(3)]) ** 2
        np.testing.assert_allclose(rows[:, :125].sum(axis=1), 1, atol=1e-4)
        single = rows[:, 125 : 125 + 216].reshape(3, 3, 8, 9)
        np.testing.assert_allclose(single.sum(axis=2), 1, atol=1e-4)

    def test_a_red_photo_differs_from_a_green_one_more_than_from_a_less_red_one(self):
        red, less_red, green = histograms(
            [np.full((9, 9, 3), c, np.uint8) for c in ([220, 20, 20], [200, 20, 20], [20, 220, 20])]
        )
        assert np.linalg.norm(red - less_red) < 0.5 * np.linalg.norm(red - green)

    def test_edges_know_their_direction(self):
        stripes = np.repeat((np.arange(96) // 8 % 2 * 255).astype(np.uint8)[:, None], 96, axis=1)
        photos = [np.repeat(each[:, :, None], 3, axis=2) for each in (stripes, stripes.T)]
        edges = histograms(photos)[:, -288:].reshape(2, 8, 36).sum(axis=2)
        assert edges.argmax(axis=1).tolist() == [4, 0]  # gradients along the rows, and along the columns

    def test_they_are_computed_once(self, monkeypatch):
        photos = [np.full((9, 9, 3), level, np.uint8) for level in (1, 2)]
        expected = histograms(photos)
        monkeypatch.setattr(ImagePreprocessor, "transform", None)
        np.testing.assert_array_equal(histograms(photos), expected)
