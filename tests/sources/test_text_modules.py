"""The trainable networks for texts compute what the graphs compute."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from headstart.sources import cards, open_source
from headstart.sources.backbone import Source
from headstart.sources.graph import GraphBuilder

torch = pytest.importorskip("torch")

TINY_TEXTS = ["the kiwi", "", "a good bad apple before the race is given " * 3, "unheard of"]
REAL_TEXTS = [
    "Refund please.",
    "",
    "I called the bank 3 times about a charge of $1,250.00 and nobody could tell me who had made it. " * 40,
    "Привет, мир! 你好世界。สวัสดีชาวโลก नमस्ते 🙂",
]
TEXT_ARCHITECTURES = ["bert", "llama", "static-embeddings"]


def features_of_graph(source, texts, state=None) -> np.ndarray:
    if state is None:
        return source.session().run(None, source.input.prepare(texts))[0]
    import onnxruntime

    graph = GraphBuilder()
    graph.output(source._architecture.encode(graph, state, source.card), "features", "float32", ["batch", None])
    session = onnxruntime.InferenceSession(graph.model().SerializeToString())
    return session.run(None, source.input.prepare(texts))[0]


def features_of_module(module, source, texts):
    return module(**{name: torch.from_numpy(array) for name, array in source.input.prepare(texts).items()})


@pytest.mark.parametrize("architecture", TEXT_ARCHITECTURES)
class TestEveryTextModule:
    @pytest.fixture
    def source(self, architecture, tmp_path) -> Source:
        return tiny.source(architecture, tmp_path)

    def test_equals_the_graph(self, source):
        with torch.no_grad():
            found = features_of_module(source.module(), source, TINY_TEXTS)
        np.testing.assert_allclose(found, features_of_graph(source, TINY_TEXTS), atol=1e-4)

    def test_a_trained_module_becomes_a_graph_again(self, source):
        module = source.module().train()
        optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
        for _ in range(2):
            optimiser.zero_grad()
            features_of_module(module, source, TINY_TEXTS).square().mean().backward()
            optimiser.step()
        trained = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        assert set(trained) <= set(source.state())
        with torch.no_grad():
            expected = features_of_module(module.eval(), source, TINY_TEXTS)
        found = features_of_graph(source, TINY_TEXTS, trained)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert not np.allclose(found, features_of_graph(source, TINY_TEXTS), atol=1e-2)

    def test_each_parameter_learns_and_lies_in_one_block(self, source):
        module = source.module()
        features_of_module(module, source, TINY_TEXTS).square().sum().backward()
        held = [id(parameter) for block in module.blocks.values() for parameter in block.parameters()]
        assert sorted(held) == sorted(id(parameter) for parameter in module.parameters())
        for name, parameter in module.named_parameters():
            assert parameter.requires_grad, name
            # what is added to all keys alike is lost in the softmax
            assert parameter.grad.abs().max() > 0 or name.endswith("key.bias"), name

    def test_blocks_stand_in_the_order_of_the_computation(self, source):
        module, seen = source.module(), []
        for name, block in module.blocks.items():
            block.register_forward_hook(lambda *_, name=name: seen.append(name))
        features_of_module(module, source, TINY_TEXTS)
        assert seen == list(module.blocks)


@pytest.mark.downloads
@pytest.mark.parametrize("card", [card for card in cards() if card.modality == "text"], ids=lambda card: card.name)
def test_real_module_equals_the_real_graph(card):
    source = open_source(card, sink=None)
    with torch.no_grad():
        found = features_of_module(source.module(), source, REAL_TEXTS).numpy()
    np.testing.assert_allclose(found, features_of_graph(source, REAL_TEXTS), atol=1e-3)
