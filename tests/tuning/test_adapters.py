"""What LoRA and bias put in, train and give back."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import tiny
import tiny_ground
from headstart.core import registry
from headstart.core.errors import OptionError
from headstart.core.tasks import get_task
from headstart.sources.modules import state_of
from headstart.tuning.settings import Settings
from headstart.tuning.strategies.bias import Bias
from headstart.tuning.strategies.lora import Lora, adaptable
from headstart.tuning.trainee import Trainee

LAYERED = [name for name in registry.names("modules") if name != "static-embeddings"]
HALF, WHOLE = (Settings(depth=depth, rank=2) for depth in (0.5, 1.0))


def prepared(strategy, architecture, folder, settings=HALF):
    ground = tiny_ground.ground(architecture, folder, n=12)
    trainee = Trainee(ground.source, ground.began(np.arange(12)), ground.problem.features, "binary")
    strategy.start(trainee, settings)
    batch = {name: torch.from_numpy(a) for name, a in ground.source.input.prepare(ground.items).items()}
    return trainee, batch


def computed(module, batch):
    with torch.no_grad():
        return module(**batch).numpy()


def trained(trainee, batch):
    """Some steps that move everything that learns."""
    optimiser = torch.optim.Adam(trainee.learning().values(), lr=1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        (trainee.module(**batch) * torch.arange(trainee.source.dimensions)).mean().backward()
        optimiser.step()


def below(trainee):
    """Names of the parameters of the blocks that stay as they are."""
    blocks = list(trainee.module.blocks.values())[: trainee.first]
    frozen = {id(p) for block in blocks for p in block.parameters()}
    return {name for name, p in trainee.module.named_parameters() if id(p) in frozen}


@pytest.mark.parametrize("architecture", LAYERED)
class TestLora:
    def test_only_narrow_layers_in_the_last_blocks_learn(self, architecture, tmp_path):
        trainee, _ = prepared(Lora(), architecture, tmp_path)
        learning = {name for name, p in trainee.module.named_parameters() if p.requires_grad}
        assert learning == {name for name, _ in trainee.module.named_parameters() if ".lora_" in name}
        assert not learning & below(trainee)
        untouched = tiny.source(architecture, tmp_path).module()
        layers = dict(untouched.named_modules())
        adapted = {name.partition(".lora_")[0] for name in learning}
        assert adapted == set(adaptable(untouched, list(untouched.blocks.values())[trainee.first :]))
        assert adapted
        assert all(getattr(layers[name], "groups", 1) == 1 for name in adapted)

    def test_begins_as_the_very_same_network(self, architecture, tmp_path):
        trainee, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        np.testing.assert_array_equal(computed(trainee.module, batch), computed(trainee.source.module(), batch))

    def test_begins_alike_whatever_was_drawn_before(self, architecture, tmp_path):
        torch.manual_seed(1)
        first = prepared(Lora(), architecture, tmp_path)[0].weights()
        torch.manual_seed(2)
        again = prepared(Lora(), architecture, tmp_path)[0].weights()
        assert all(torch.equal(first[name], again[name]) for name in first)

    def test_merged_it_is_the_adapted_network(self, architecture, tmp_path):
        trainee, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        trained(trainee, batch)
        adapted = computed(trainee.module, batch)
        assert np.abs(adapted - computed(trainee.source.module(), batch)).max() > 1e-3
        Lora().finish(trainee)
        assert set(state_of(trainee.module)) == set(state_of(trainee.source.module()))
        np.testing.assert_allclose(computed(trainee.module, batch), adapted, rtol=1e-3, atol=1e-3)

    def test_its_arrays_and_the_base_are_the_merged_weights(self, architecture, tmp_path):
        trainee, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        trained(trainee, batch)
        arrays, base = Lora().finish(trainee), trainee.source.state()
        merged, changed = state_of(trainee.module), trainee.changed()
        layers = {name.partition(".lora_")[0] for name in arrays}
        assert changed
        assert set(changed) <= {f"{layer}.weight" for layer in layers}
        for layer in layers:
            inner, outer = (arrays[f"{layer}.lora_{part}.weight"] for part in "AB")
            product = outer.reshape(-1, WHOLE.rank) @ inner.reshape(WHOLE.rank, -1)
            weight = base[f"{layer}.weight"]
            np.testing.assert_allclose(merged[f"{layer}.weight"], weight + product.reshape(weight.shape), atol=1e-5)


@pytest.mark.parametrize("architecture", LAYERED)
class TestBias:
    def test_only_vectors_of_the_last_blocks_learn(self, architecture, tmp_path):
        trainee, _ = prepared(Bias(), architecture, tmp_path)
        parameters = dict(trainee.module.named_parameters())
        wanted = {name for name, p in parameters.items() if p.ndim == 1} - below(trainee)
        assert {name for name, p in parameters.items() if p.requires_grad} == wanted
        assert wanted

    def test_statistics_of_batch_norms_stay(self, architecture, tmp_path):
        trainee, batch = prepared(Bias(), architecture, tmp_path)
        trained(trainee, batch)
        changed = set(trainee.changed())
        assert changed
        assert changed <= {name for name, p in trainee.module.named_parameters() if p.requires_grad}
        assert not any("running" in name for name in changed)


def test_blocks_without_a_layer_are_said(tmp_path):
    with pytest.raises(OptionError, match="found no linear layer or convolution in the last 10% of tiny-llama"):
        prepared(Lora(), "llama", tmp_path, Settings(depth=0.1))


def test_a_table_of_word_vectors_suits_neither(tmp_path):
    source = tiny.source("static-embeddings", tmp_path)
    assert not Lora().suits(source, get_task("binary"))
    assert not Bias().suits(source, get_task("binary"))


def test_peft_is_imported_for_lora_alone():
    code = (
        "import sys; from headstart.core import registry\n"
        "made = [registry.get('strategies', name)() for name in registry.names('strategies')]\n"
        "assert made and 'peft' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
