"""Every architecture with tuned weights: a source as any other, and never taken for its parent."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import tiny
from headstart.core import registry
from headstart.core.errors import SourceError
from headstart.features import embed
from headstart.sources import TunedSource
from headstart.sources.networks.torch import state_of

TRAINABLE = registry.names("torch_networks")
MADE = {"method": "fine-tune", "settings": {"epochs": 3}, "alpha": 0.5, "seed": 0, "dataset": "shelves"}
ITEMS = {
    "image": [np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8) for i in range(4)],
    "text": ["the kiwi", "", "a good bad apple before the race is given " * 3, "unheard of"],
}


def features(source) -> np.ndarray:
    return source.session().run(None, source.input.transform(ITEMS[source.modality]))[0]


def moved(source, size: float = 0.05, seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the trainable network a little off, so that variances stay above zero."""
    rng = np.random.default_rng(seed)
    return {
        name: array + (size * rng.random(array.shape)).astype(np.float32)
        for name, array in state_of(source.module()).items()
    }


@pytest.mark.parametrize("architecture", TRAINABLE)
class TestEveryArchitecture:
    def test_the_same_arrays_give_the_same_features(self, architecture, tmp_path):
        parent = tiny.source(architecture, tmp_path)
        same = TunedSource(parent, state_of(parent.module()), made=MADE)
        np.testing.assert_array_equal(features(same), features(parent))

    def test_graph_and_module_are_the_tuned_network(self, architecture, tmp_path):
        parent = tiny.source(architecture, tmp_path)
        tuned = TunedSource(parent, moved(parent), made=MADE)
        batch = {
            name: torch.from_numpy(array) for name, array in parent.input.transform(ITEMS[parent.modality]).items()
        }
        with torch.no_grad():
            computed = tuned.module()(**batch).numpy()
        np.testing.assert_allclose(features(tuned), computed, rtol=1e-3, atol=1e-3)
        assert np.abs(features(tuned) - features(parent)).max() > 1e-3

    def test_one_bit_is_another_digest(self, architecture, tmp_path):
        parent = tiny.source(architecture, tmp_path)
        state = state_of(parent.module())
        before = TunedSource(parent, state, made=MADE)
        name = max(state)
        flipped = np.array(state[name])
        flipped.reshape(-1).view(np.uint32)[-1] ^= 1
        after = TunedSource(parent, {**state, name: flipped}, made=MADE)
        assert len({parent.digest, before.digest, after.digest}) == 3
        assert before.digest == TunedSource(parent, dict(reversed(state.items())), made=MADE).digest


@pytest.fixture
def parent(tmp_path):
    return tiny.source("bert", tmp_path / "bert")


def test_kept_features_of_parent_and_tuned_are_not_mixed(parent, cache):
    tuned = TunedSource(parent, moved(parent), made=MADE)
    items = ITEMS["text"]
    first, second = embed(items, parent), embed(items, tuned)
    assert second.n_computed == len(items)
    assert np.abs(first.values - second.values).max() > 1e-3
    for source, found in ((parent, first), (tuned, second)):
        again = embed(items, source)
        assert again.n_computed == 0
        np.testing.assert_array_equal(again.values, found.values)


def test_arrays_left_out_are_the_parents(parent):
    name = "encoder.layer.0.output.dense.weight"
    tuned = TunedSource(parent, {name: np.zeros_like(parent.state()[name])}, made=MADE)
    assert not tuned.state()[name].any()
    others = parent.state().keys() - {name}
    assert all(np.array_equal(tuned.state()[other], parent.state()[other]) for other in others)


def test_a_tuned_source_can_be_tuned_again(parent):
    first = TunedSource(parent, moved(parent), made=MADE)
    second = TunedSource(first, moved(first, seed=1), made={**MADE, "method": "lora"})
    assert second.name == "tiny-bert, fine-tuned, tuned by LoRA"
    assert second.describe()["tuned"]["parent"] == {"name": first.name, "digest": first.digest}
    np.testing.assert_array_equal(features(TunedSource(second, {}, made=MADE)), features(second))


def test_it_says_what_it_was_made_of(parent):
    tuned = TunedSource(parent, moved(parent), made=MADE)
    card = tuned.describe()
    assert card["name"] == tuned.name == "tiny-bert, fine-tuned"
    assert card["license"] == "Apache-2.0"
    assert card["trained_on"] == "nothing; then tuned on shelves"
    assert card["tuned"] == {"parent": {"name": parent.name, "digest": parent.digest}, **MADE}
    assert json.loads(json.dumps(card))["tuned"] == card["tuned"]
    assert tuned.parts == {tuned.name: slice(0, parent.dimensions)}


def test_with_random_weights_nothing_of_the_tuning_is_left(parent):
    tuned = TunedSource(parent, moved(parent), made=MADE)
    control = tuned.with_random_weights(3)
    assert control.digest == parent.with_random_weights(3).digest
    assert control.name == "tiny-bert (random weights)"


def test_arrays_that_are_not_the_parents_are_refused(parent):
    with pytest.raises(SourceError, match="no array 'head.weight'"):
        TunedSource(parent, {"head.weight": np.zeros(3, np.float32)}, made=MADE)
    with pytest.raises(SourceError, match=r"shape \(16,\), but tuned came \(3,\)"):
        TunedSource(parent, {"embeddings.LayerNorm.bias": np.zeros(3, np.float32)}, made=MADE)
