"""The published checks of every network, as a graph and in torch, and real weights in both."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from headstart.core import registry
from headstart.core.errors import SourceError
from headstart.sources import cards, open_source
from headstart.sources.networks.torch import load_state
from headstart.testing import checks_of

TRAINABLE = registry.names("torch_networks")


def _tensors(source, items) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in source.input.transform(items).items()}


def _features(source, items) -> np.ndarray:
    return source.session().run(None, source.input.transform(items))[0]


def _computed(module, batch) -> np.ndarray:
    with torch.no_grad():
        return module(**batch).numpy()


@pytest.mark.parametrize("check", checks_of("torch_networks"), ids=str)
def test_every_torch_network(check):
    check()


@pytest.mark.parametrize("check", checks_of("onnx_networks"), ids=str)
def test_every_onnx_network(check):
    check()


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
