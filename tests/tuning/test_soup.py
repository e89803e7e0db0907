"""The greedy soup over runs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headstart.tuning.soup import soup


def runs_around(target, offsets):
    return [{"a": target + torch.tensor(offset)} for offset in offsets]


def distance_to(target):
    return lambda weights: float((weights["a"] - target).square().sum())


TARGET = torch.tensor([1.0, -2.0])


def test_runs_on_both_sides_are_averaged_and_a_stray_is_left_out():
    runs = runs_around(TARGET, [[9.0, 9.0], [0.5, 0.0], [-0.6, 0.0]])
    made = soup(runs, distance_to(TARGET))
    assert made.members == (1, 2)
    assert torch.allclose(made.weights["a"], (runs[1]["a"] + runs[2]["a"]) / 2)
    assert made.loss == pytest.approx(distance_to(TARGET)(made.weights))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6))
def test_never_worse_than_the_best_run_and_the_plain_mean_of_its_members(seed, n):
    rng = np.random.default_rng(seed)
    runs = runs_around(TARGET, rng.normal(size=(n, 2)).astype(np.float32))
    before = [run["a"].clone() for run in runs]
    made = soup(runs, distance_to(TARGET))
    assert made.loss <= min(map(distance_to(TARGET), runs)) + 1e-6
    assert torch.allclose(made.weights["a"], torch.stack([runs[i]["a"] for i in made.members]).mean(0), atol=1e-5)
    assert all(torch.equal(run["a"], kept) for run, kept in zip(runs, before, strict=True))


def test_a_run_that_diverged_is_left_out():
    runs = runs_around(TARGET, [[float("nan"), 0.0], [0.5, 0.0]])
    assert soup(runs, distance_to(TARGET)).members == (1,)
