"""Batch norms: they learn the statistics of the items where they may, and have those of the weights that they stand beside."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny_tuning_problem
from headstart.tuning.batch_norms import estimate_statistics
from headstart.tuning.loop import N_POINTS
from headstart.tuning.methods.fine_tune import FineTune
from headstart.tuning.run import Choice, Run
from headstart.tuning.settings import TuningSettings

N = 32
SETTINGS = TuningSettings(
    learning_rate=1e-3, epochs=2, min_steps=4, batch_size=16, min_batch_size=16, trainable_fraction=0.5, unfreezing=0.0
)
LAST = Choice(point=N_POINTS - 1, alpha=-1)


def a_run(folder, architecture="efficientnet-lite", **settings) -> Run:
    return Run(
        tuning_problem=tiny_tuning_problem.tuning_problem(architecture, folder, n=N),
        method=FineTune(),
        settings=replace(SETTINGS, **settings),
        train=np.arange(24),
        test=np.arange(24, N),
    )


def running(arrays) -> set[str]:
    return {name.removeprefix("state ") for name in arrays if "running_" in name}


@pytest.mark.parametrize("architecture", ["efficientnet-lite", "mobilenet-v2", "resnet"])
def test_those_of_the_trained_blocks_learn_and_no_others(architecture, tmp_path):
    run = a_run(tmp_path, architecture)
    changed = running(run.weights(LAST))
    model = run._model
    assert model.first > 0
    frozen = [layer for block in list(model.module.blocks.values())[: model.first] for layer in block.modules()]
    assert changed == set(model.statistics())
    assert changed
    assert not any(norm is layer for norm in model.norms.values() for layer in frozen)


@pytest.mark.parametrize(
    "settings", [{"learn_statistics": False}, {"batch_size": 8, "min_batch_size": 8}], ids=["not asked", "few a step"]
)
def test_they_keep_their_statistics_where_they_must(settings, tmp_path):
    assert not running(a_run(tmp_path, **settings).weights(LAST))


def test_a_text_network_has_none(tmp_path):
    assert not a_run(tmp_path, "bert")._model.norms


def test_only_steps_of_training_move_them(tmp_path):
    run = a_run(tmp_path)
    model, loader = run._model, run._loader
    before = {name: tensor.clone() for name, tensor in model.statistics().items()}
    model.features(*loader.plain(np.arange(16)))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.statistics().items())
    model.features(*loader.plain(np.arange(16)), training=True)
    assert not any(torch.equal(before[name], tensor) for name, tensor in model.statistics().items())
    assert not any(layer.training for layer in model.module.modules())


def test_estimated_anew_features_have_the_statistics_of_the_items(tmp_path):
    run = a_run(tmp_path)
    model, loader = run._model, run._loader
    with torch.no_grad():
        for name, parameter in model.trainable_parameters().items():
            if not name.startswith("head."):
                parameter.add_(0.1)
    estimate_statistics(model, loader, np.arange(24), seed=0)
    name, norm = next(iter(model.norms.items()))
    seen = []
    handle = norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].detach()))
    model.features(*loader.plain(np.arange(24)))
    handle.remove()
    torch.testing.assert_close(
        model.statistics()[f"{name}.running_mean"], seen[0].mean(dim=(0, 2, 3)), rtol=1e-3, atol=1e-4
    )


def test_statistics_survive_being_stored(tmp_path):
    run = a_run(tmp_path)
    tuned = run.tuned()
    fresh = replace(run)
    fresh._model.load(tuned)
    assert set(running(tuned)) == set(fresh._model.statistics())
    assert all(torch.equal(tuned[name], tensor) for name, tensor in fresh._model.statistics().items())
