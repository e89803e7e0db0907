"""Every architecture that can be trained: the torch module is the graph, before training and after."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from headstart.core import registry
from headstart.core.errors import SourceError
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources import cards, open_source
from headstart.sources.networks.torch import load_state, state_of

TRAINABLE = registry.names("torch_networks")
ITEMS = {
    "image": [np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8) for i in range(4)],
    "text": ["the kiwi", "", "a good bad apple before the race is given " * 3, "unheard of"],
}


def _tensors(source, items) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in source.input.transform(items).items()}


def _features(source, items) -> np.ndarray:
    return source.session().run(None, source.input.transform(items))[0]


def _computed(module, batch) -> np.ndarray:
    with torch.no_grad():
        return module(**batch).numpy()


def _written(source, state):
    """A session of the graph that the architecture writes from a state."""
    graph = GraphBuilder()
    value = registry.get("onnx_networks", source.card.architecture).encode(graph, state, source.card)
    graph.output(value, "features", "float32", ["batch", source.dimensions])
    return open_session(graph.model().SerializeToString(), threads=1)


@pytest.mark.parametrize("architecture", TRAINABLE)
class TestEveryModule:
    def test_gives_the_features_of_the_graph(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        items = ITEMS[source.modality]
        for made in (source, source.with_random_weights(3)):
            module = made.module()
            assert not module.training
            np.testing.assert_allclose(
                _computed(module, _tensors(made, items)), _features(made, items), rtol=1e-3, atol=1e-4
            )

    def test_names_its_arrays_as_the_state_does(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        state, found = source.state(), state_of(source.module())
        assert set(found) <= set(state)
        assert all(np.array_equal(found[name], state[name].astype(np.float32)) for name in found)
        unused = {name for name in set(state) - set(found) if state[name].ndim == 4}
        assert not unused

    def test_each_parameter_lies_in_one_block(self, architecture, tmp_path):
        module = tiny.source(architecture, tmp_path).module()
        placed = [parameter for block in module.blocks.values() for parameter in block.parameters()]
        assert sorted(map(id, placed)) == sorted(map(id, module.parameters()))

    def test_trained_and_written_it_is_still_the_graph(self, architecture, tmp_path):
        source = tiny.source(architecture, tmp_path)
        module, batch = source.module().train(), _tensors(source, ITEMS[source.modality])
        before = {name: tensor.clone() for name, tensor in module.named_parameters()}
        optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
        module(**batch).square().mean().backward()
        optimiser.step()
        changed = [name for name, tensor in module.named_parameters() if not torch.equal(tensor, before[name])]
        assert len(changed) > len(before) // 2
        session = _written(source, state_of(module))
        found = session.run(None, source.input.transform(ITEMS[source.modality]))[0]
        np.testing.assert_allclose(_computed(module.eval(), batch), found, rtol=1e-3, atol=1e-4)
        assert not np.allclose(found, _features(source, ITEMS[source.modality]), rtol=1e-3)


def test_weights_that_do_not_fit_are_named(tmp_path):
    source = tiny.source("resnet", tmp_path)
    state = source.state()
    with pytest.raises(SourceError, match=r"lack 'conv1\.weight'"):
        load_state(source.module(), {name: array for name, array in state.items() if name != "conv1.weight"})
    with pytest.raises(SourceError, match=r"do not fit.*conv1\.bias") as caught:
        load_state(source.module(), state | {"conv1.bias": np.zeros(3, np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.downloads
@pytest.mark.parametrize(
    "card", [card for card in cards() if card.architecture in TRAINABLE], ids=lambda card: card.name
)
def test_real_module_and_graph_agree_on_real_items(card):
    from sklearn.datasets import load_sample_images

    source = open_source(card)
    items = {
        "image": load_sample_images().images,
        "text": [
            "Refund please.",
            "",
            "I called 3 times about a charge of $1,250.00 and nobody could tell me who had made it. " * 40,
            "Привет, мир! 你好世界。สวัสดีชาวโลก नमस्ते 🙂",
        ],
    }[source.modality]
    found, expected = _computed(source.module(), _tensors(source, items)), _features(source, items)
    assert np.abs(found - expected).max() < 1e-3
