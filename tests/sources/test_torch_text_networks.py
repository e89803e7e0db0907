"""What only the trainable networks for texts promise."""

from __future__ import annotations

import pytest
import torch

import tiny

TEXTS = ["the kiwi", "a good bad apple before the race is given"]


@pytest.mark.parametrize("architecture", ["bert", "llama", "static-embeddings"])
class TestEveryTextModule:
    @pytest.fixture
    def source(self, architecture, tmp_path):
        return tiny.source(architecture, tmp_path)

    def test_each_parameter_learns(self, source):
        module = source.module()
        _features(module, source).square().sum().backward()
        for name, parameter in module.named_parameters():
            # a bias that is added to all keys alike is lost in the softmax
            assert parameter.grad.abs().max() > 0 or name.endswith("key.bias"), name

    def test_blocks_stand_in_the_order_of_the_computation(self, source):
        module, seen = source.module(), []
        for name, block in module.blocks.items():
            block.register_forward_hook(lambda *_, name=name: seen.append(name))
        _features(module, source)
        assert seen == list(module.blocks)


def _features(module, source):
    return module(**{name: torch.from_numpy(array) for name, array in source.input.transform(TEXTS).items()})
