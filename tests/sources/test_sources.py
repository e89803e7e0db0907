from __future__ import annotations

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest

import tiny
from headstart.core import registry
from headstart.core.errors import SourceError
from headstart.core.model import PretrainedNetwork
from headstart.sources import cards, fetch, open_source
from headstart.sources.fingerprint import TOLERANCE, features_of_fixed_item
from headstart.sources.weights import from_safetensors, from_torch, to_safetensors

ITEMS = {
    "image": [np.random.default_rng(i).integers(0, 256, (50, 40, 3), dtype=np.uint8) for i in range(3)],
    "text": ["the kiwi", "", "a good bad apple before the race is given"],
}


@pytest.mark.parametrize("architecture", registry.names("onnx_networks"))
class TestEveryArchitecture:
    def test_is_a_source_with_finite_features(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        assert isinstance(source, PretrainedNetwork)
        features = _features(source)
        assert features.shape == (3, source.dimensions)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()

    def test_random_weights_give_finite_features_that_differ(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        random, other = source.with_random_weights(1), source.with_random_weights(2)
        assert len({source.digest, random.digest, other.digest}) == 3
        assert random.name == f"{source.name} (random weights)"
        assert np.isfinite(_features(random)).all()
        assert _features(random).std() > 0
        assert np.array_equal(_features(random), _features(source.with_random_weights(1)))
        assert not np.allclose(_features(random), _features(other))

    def test_an_items_features_do_not_depend_on_the_batch(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        session = source.session()
        alone = [session.run(None, source.input.transform([item]))[0][0] for item in ITEMS[source.modality]]
        np.testing.assert_allclose(np.stack(alone), _features(source), rtol=1e-4, atol=1e-5)

    def test_fetched_once_then_needs_no_origin(self, architecture, cache, links, tmp_path):
        card = tiny.published(architecture, links, tmp_path / "scratch")
        first = _features(open_source(card, stream=None))
        for path in links.iterdir():
            path.unlink()
        np.testing.assert_array_equal(_features(open_source(card, stream=None)), first)


class TestRefusals:
    def test_tampered_weights(self, cache, links, tmp_path):
        card = tiny.published("bert", links, tmp_path / "scratch")
        source = open_source(card, stream=None)
        path = tiny.kept_folder(cache, card) / "weights.safetensors"
        content = bytearray(path.read_bytes())
        content[-3] ^= 1
        path.write_bytes(content)
        with pytest.raises(
            SourceError, match=r"tiny-bert: .*weights\.safetensors has changed.*Remove .* and run again"
        ):
            source.session()

    @pytest.mark.parametrize("keep", [0, 10, 1000])
    def test_truncated_weights(self, cache, links, tmp_path, keep):
        card = tiny.published("bert", links, tmp_path / "scratch")
        path = fetch(card, stream=None) / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(SourceError, match="has changed"):
            open_source(card, stream=None)

    def test_tampered_tokenizer(self, cache, links, tmp_path):
        card = tiny.published("static-embeddings", links, tmp_path / "scratch")
        source = open_source(card, stream=None)
        (source.folder / "tokenizer.json").write_bytes(b"{}")
        with pytest.raises(SourceError, match=r"tokenizer\.json has changed"):
            open_source(card, stream=None).input.transform(["a"])

    def test_member_that_is_not_the_pinned_one(self, cache, links, tmp_path):
        card = tiny.published("bert", links, tmp_path / "scratch")
        (download,) = card.downloads
        member = replace(download.members["weights.safetensors"], sha256="1" * 64)
        wrong = replace(download, members={**download.members, "weights.safetensors": member})
        with pytest.raises(SourceError, match="the card pins 1111"):
            open_source(replace(card, downloads=(wrong,)), stream=None)
        assert not tiny.kept_folder(cache, card).exists()

    def test_missing_member(self, cache, links, tmp_path):
        card = tiny.published("bert", links, tmp_path / "scratch")
        (download,) = card.downloads
        member = replace(download.members["weights.safetensors"], path="elsewhere")
        wrong = replace(download, members={**download.members, "weights.safetensors": member})
        with pytest.raises(SourceError, match="cannot read elsewhere"):
            open_source(replace(card, downloads=(wrong,)), stream=None)

    def test_features_that_are_not_the_cards(self, cache, links, tmp_path):
        card = tiny.published("bert", links, tmp_path / "scratch")
        wrong = replace(card, fingerprint=(card.fingerprint[0] + 2 * TOLERANCE, *card.fingerprint[1:]))
        with pytest.raises(SourceError, match=r"differ from the card's by 0\.002"):
            open_source(wrong, stream=None)

    def test_the_next_origin_is_tried(self, cache, links, tmp_path):
        card = tiny.published("bert", links, tmp_path / "scratch")
        (good,) = card.downloads
        bad = replace(good, archive="gone-1-py3-none-any.whl")
        assert open_source(replace(card, downloads=(bad, good)), stream=None).name == card.name

    def test_no_origin_answers(self, cache, links):
        with pytest.raises(SourceError, match=r"cannot fetch tiny-1.*by hand into"):
            open_source(tiny.card("bert"), stream=None)

    def test_a_pickle_that_would_run_code(self, tmp_path):
        class Attack:
            def __reduce__(self):
                return (os.system, (f"touch {tmp_path / 'hacked'}",))

        for content in (pickle.dumps(Attack()), b"", b"PK\x03\x04"):
            with pytest.raises(SourceError, match="cannot be read as plain weights"):
                from_torch(content)
        assert not (tmp_path / "hacked").exists()

    def test_damaged_safetensors(self):
        for content in (b"", b"\xff" * 40, to_safetensors({"a": np.ones(9, np.float32)})[:-4]):
            with pytest.raises(SourceError, match="damaged"):
                from_safetensors(content)


def test_weights_written_and_read_are_the_same():
    state = tiny.state("bert") | {"half": np.arange(7, dtype=np.float16)}
    content = to_safetensors(state)
    again = from_safetensors(content)
    assert content == to_safetensors(dict(reversed(again.items())))
    assert all(np.array_equal(again[name], state[name]) and again[name].dtype == state[name].dtype for name in state)


def test_torch_checkpoint_becomes_plain_arrays():
    torch = pytest.importorskip("torch")
    import io

    buffer = io.BytesIO()
    torch.save({"w": torch.ones(2, 3), "n": torch.tensor(5)}, buffer)
    state = from_torch(buffer.getvalue())
    assert list(state) == ["w"]
    assert state["w"].shape == (2, 3)


@pytest.mark.downloads
@pytest.mark.parametrize("card", [card for card in cards() if not card.is_in_context], ids=lambda card: card.name)
class TestEveryRealSource:
    def test_gives_the_fingerprint_of_its_card(self, card):
        found = features_of_fixed_item(open_source(card))[: len(card.fingerprint)]
        np.testing.assert_allclose(found, card.fingerprint, atol=TOLERANCE)

    def test_counts_its_parameters(self, card):
        ignored = ("running_mean", "running_var")
        counted = sum(array.size for name, array in open_source(card).state().items() if not name.endswith(ignored))
        assert counted == card.parameters

    def test_random_weights_give_finite_features(self, card):
        source = open_source(card).with_random_weights(0)
        features = _features(source)
        assert np.isfinite(features).all()
        assert features.std() > 0


@pytest.mark.downloads
def test_minilm_gives_the_published_similarities():
    source = open_source("all-minilm-l6-v2")
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    features = source.session().run(None, source.input.transform(texts))[0]
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose((unit @ unit.T)[0], [1.0, 0.6660, 0.1046], atol=1e-4)


def _features(source) -> np.ndarray:
    return source.session().run(None, source.input.transform(ITEMS[source.modality]))[0]
