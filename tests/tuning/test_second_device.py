"""On another device than the processor every method learns the same, and a run that was broken off goes on.

The device is simulated: it computes on the processor, and fails wherever tensors of both devices meet.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

import second_device
import tiny_tuning_problem
from headstart.tuning import checkpoint, loop, trainable_model
from headstart.tuning.loop import N_POINTS
from headstart.tuning.methods.fine_tune import FineTune
from headstart.tuning.run import Choice, Run

NETWORKS = ("bert", "efficientnet-lite")
SHORT = {
    "learning_rate": 1e-3,
    "epochs": 1,
    "min_steps": 4,
    "batch_size": 8,
    "trainable_fraction": 0.5,
    "rank": 2,
    "mixup": 0.3,
}
N = 24


@pytest.fixture(params=NETWORKS)
def tuning_problem(request, tmp_path, cache):
    return tiny_tuning_problem.tuning_problem(request.param, tmp_path, n=N)


@pytest.fixture
def on_second(monkeypatch):
    """Asks a run on the second device."""

    def ask(run: Run, asked):
        with second_device.SecondDevice(), monkeypatch.context() as patch:
            patch.setattr(trainable_model, "fastest_device", lambda: second_device.DEVICE)
            found = asked(run)
            assert run._model.device == second_device.DEVICE
            assert {p.device for p in run._model.trainable_parameters().values()} == {second_device.DEVICE}
            return found

    return ask


every_pair = pytest.mark.parametrize(
    ("tuning_problem", "method"), tiny_tuning_problem.pairs(*NETWORKS), indirect=["tuning_problem"]
)


def a_run(tuning_problem, method, **settings) -> Run:
    return Run(
        tuning_problem=replace(tuning_problem, _loader={}),
        method=method,
        settings=replace(method.settings, **{**SHORT, **settings}),
        train=np.arange(N // 2),
        test=np.arange(N // 2, N),
    )


def whole(run: Run):
    """Scores, and the network at the end; runs that are averaged have one point."""
    last = 0 if run.settings.soup_members else N_POINTS - 1
    return {"scores": run.scores(), **run.weights(Choice(point=last, alpha=1))}


def assert_alike(found, expected, *, rtol=1e-3):
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=rtol * max(np.abs(array).max(), 1e-3), err_msg=name)


def test_devices_that_mix_are_found():
    with second_device.SecondDevice(), pytest.raises(second_device.MixedDevicesError):
        torch.ones(2).to(second_device.DEVICE) + torch.ones(2)


@every_pair
@pytest.mark.parametrize("augmentation", ["flip", "light"])
def test_every_method_learns_the_same(method, tuning_problem, on_second, augmentation):
    expected = whole(a_run(tuning_problem, method, augmentation=augmentation))
    assert_alike(on_second(a_run(tuning_problem, method, augmentation=augmentation), whole), expected)


@every_pair
def test_a_run_that_is_broken_off_goes_on(method, tuning_problem, on_second, monkeypatch):
    expected = on_second(a_run(tuning_problem, method), whole)
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0.0)
    descend, count = loop.descend, []

    def broken(*settings):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        return descend(*settings)

    monkeypatch.setattr(loop, "descend", broken)
    with suppress(KeyboardInterrupt):
        on_second(a_run(tuning_problem, method), whole)
    assert_alike(on_second(a_run(tuning_problem, method), whole), expected, rtol=0)


def test_runs_are_averaged(tuning_problem, on_second):
    method = FineTune()
    other = replace(method.settings, **{**SHORT, "learning_rate": 1e-4})
    expected = whole(a_run(tuning_problem, method, soup_members=(other,)))
    assert_alike(on_second(a_run(tuning_problem, method, soup_members=(other,)), whole), expected)


@every_pair
def test_half_precision_stays_near(method, tuning_problem, monkeypatch):
    expected = a_run(tuning_problem, method).scores()
    monkeypatch.setattr(
        trainable_model.TrainableModel, "half_precision", lambda _: torch.autocast("cpu", torch.bfloat16)
    )
    found = a_run(tuning_problem, method).scores()
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
