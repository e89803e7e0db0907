"""What LoRA and bias put in, train and give back."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny
import tiny_tuning_problem
from headstart.core import registry
from headstart.core.errors import OptionError
from headstart.core.tasks import get_task
from headstart.packaging.adapter import pack_adapter, read_adapter
from headstart.sources import TunedSource
from headstart.sources.networks.torch import state_of
from headstart.tuning.methods.bitfit import BitFit
from headstart.tuning.methods.lora import Lora, adaptable
from headstart.tuning.settings import TuningSettings
from headstart.tuning.trainable_model import TrainableModel

LAYERED = [name for name in registry.names("torch_networks") if name != "static-embeddings"]
HALF, WHOLE = (TuningSettings(trainable_fraction=trainable_fraction, rank=2) for trainable_fraction in (0.5, 1.0))


def prepared(method, architecture, folder, settings=HALF):
    tuning_problem = tiny_tuning_problem.tuning_problem(architecture, folder, n=12)
    model = TrainableModel(
        tuning_problem.source, tuning_problem.initial_head(np.arange(12)), tuning_problem.problem.features, "binary"
    )
    method.start(model, settings, 12)
    batch = {
        name: torch.from_numpy(a) for name, a in tuning_problem.source.input.transform(tuning_problem.items).items()
    }
    return model, batch


def computed(module, batch):
    with torch.no_grad():
        return module(**batch).numpy()


def trained(model, batch):
    """Some steps that move everything that learns."""
    optimiser = torch.optim.Adam(model.trainable_parameters().values(), lr=1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        (model.module(**batch) * torch.arange(model.source.dimensions)).mean().backward()
        optimiser.step()


def below(model):
    """Names of the parameters of the blocks that stay as they are."""
    blocks = list(model.module.blocks.values())[: model.first]
    frozen = {id(p) for block in blocks for p in block.parameters()}
    return {name for name, p in model.module.named_parameters() if id(p) in frozen}


@pytest.mark.parametrize("architecture", LAYERED)
class TestLora:
    def test_only_narrow_layers_in_the_last_blocks_learn(self, architecture, tmp_path):
        model, _ = prepared(Lora(), architecture, tmp_path)
        trainable_parameters = {name for name, p in model.module.named_parameters() if p.requires_grad}
        assert trainable_parameters == {name for name, _ in model.module.named_parameters() if ".lora_" in name}
        assert not trainable_parameters & below(model)
        untouched = tiny.source(architecture, tmp_path).module()
        layers = dict(untouched.named_modules())
        adapted = {name.partition(".lora_")[0] for name in trainable_parameters}
        assert adapted == set(adaptable(untouched, list(untouched.blocks.values())[model.first :]))
        assert adapted
        assert all(getattr(layers[name], "groups", 1) == 1 for name in adapted)

    def test_begins_as_the_very_same_network(self, architecture, tmp_path):
        model, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        np.testing.assert_array_equal(computed(model.module, batch), computed(model.source.module(), batch))

    def test_begins_alike_whatever_was_drawn_before(self, architecture, tmp_path):
        torch.manual_seed(1)
        first = prepared(Lora(), architecture, tmp_path)[0].weights()
        torch.manual_seed(2)
        again = prepared(Lora(), architecture, tmp_path)[0].weights()
        assert all(torch.equal(first[name], again[name]) for name in first)

    def test_merged_it_is_the_adapted_network(self, architecture, tmp_path):
        model, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        trained(model, batch)
        adapted = computed(model.module, batch)
        assert np.abs(adapted - computed(model.source.module(), batch)).max() > 1e-3
        Lora().finish(model)
        assert set(state_of(model.module)) == set(state_of(model.source.module()))
        np.testing.assert_allclose(computed(model.module, batch), adapted, rtol=1e-3, atol=1e-3)

    def test_its_arrays_and_the_base_are_the_merged_weights(self, architecture, tmp_path):
        model, batch = prepared(Lora(), architecture, tmp_path, WHOLE)
        trained(model, batch)
        arrays, base = Lora().finish(model), model.source.state()
        merged, changed = state_of(model.module), model.changed()
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
        model, _ = prepared(BitFit(), architecture, tmp_path)
        parameters = dict(model.module.named_parameters())
        wanted = {name for name, p in parameters.items() if p.ndim == 1} - below(model)
        assert {name for name, p in parameters.items() if p.requires_grad} == wanted
        assert wanted

    def test_statistics_of_batch_norms_stay_where_they_are_not_learned(self, architecture, tmp_path):
        model, batch = prepared(BitFit(), architecture, tmp_path, replace(HALF, learn_statistics=False))
        trained(model, batch)
        changed = set(model.changed())
        assert changed
        assert changed <= {name for name, p in model.module.named_parameters() if p.requires_grad}
        assert not any("running" in name for name in changed)


@pytest.mark.parametrize("method", [Lora(), BitFit()], ids=lambda method: method.name)
def test_an_adapter_holds_the_statistics_that_batch_norms_learned(method, tmp_path):
    model, batch = prepared(method, "efficientnet-lite", tmp_path, replace(WHOLE, min_batch_size=12))
    source = model.source
    trained(model, batch)
    model.features(None, batch, training=True)
    expected = model.features(None, batch).detach().numpy()
    arrays = method.finish(model)
    state = model.changed()
    assert any("running_var" in name for name in state)
    made = {"method": method.name, "dataset": "tiny"}
    again = read_adapter(pack_adapter(TunedSource(source, state, made=made, adapter=arrays))).into(source)
    (features,) = again.session().run(None, {name: tensor.numpy() for name, tensor in batch.items()})
    np.testing.assert_allclose(features, expected, atol=1e-3 * np.abs(expected).max())


def test_blocks_without_a_layer_are_said(tmp_path):
    with pytest.raises(OptionError, match="found no linear layer or convolution in the last 10% of tiny-llama"):
        prepared(Lora(), "llama", tmp_path, TuningSettings(trainable_fraction=0.1))


def test_a_table_of_word_vectors_suits_neither(tmp_path):
    source = tiny.source("static-embeddings", tmp_path)
    assert source.is_trainable
    assert not source.is_tunable
    assert tiny.source("bert", tmp_path / "bert").is_tunable
    assert not Lora().supports(source, get_task("binary"))
    assert not BitFit().supports(source, get_task("binary"))


def test_peft_is_imported_for_lora_alone():
    code = (
        "import sys; from headstart.core import registry\n"
        "made = [registry.get('tuning_methods', name)() for name in registry.names('tuning_methods')]\n"
        "assert made and 'peft' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
