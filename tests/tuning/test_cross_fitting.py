"""How a trial is judged: the choice and its calibration come from other parts than the one that they are judged on."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.core import registry
from headstart.heads.problem import Problem
from headstart.tuning import cross_fitting
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import ALPHAS

N_ITEMS, N_CLASSES, N_BLOCKS = 48, 6, 5


def a_trial(seed: int) -> tuple[cross_fitting.CrossFit, Problem]:
    """Scores that know a little, of items in blocks as folds cut them: whatever a block has much of, the others have less."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(N_ITEMS) % N_CLASSES)
    targets = np.eye(N_CLASSES)[codes]
    scores = rng.normal(size=(N_POINTS, len(ALPHAS), N_ITEMS, N_CLASSES)) + 1.5 * targets
    cross_fitted = cross_fitting.CrossFit(
        method=registry.get("tuning_methods", "bitfit")(),
        index=np.arange(N_ITEMS),
        block=np.arange(N_ITEMS) % N_BLOCKS,
        scores=scores,
        n_folds=N_BLOCKS,
        first=None,
    )
    problem = Problem(features=np.zeros((N_ITEMS, 1)), targets=targets, task="multiclass", groups=np.arange(N_ITEMS))
    return cross_fitted, problem


def judged(seed: int) -> float:
    cross_fitted, problem = a_trial(seed)
    return float(problem.task_spec.losses(cross_fitted.outputs(problem), problem.targets).mean())


def test_in_sample_outputs_lose_less_than_nested_ones():
    for seed in range(10):
        cross_fitted, problem = a_trial(seed)
        assert problem.task_spec.losses(cross_fitted.in_sample_outputs(problem), problem.targets).mean() < judged(seed)


def test_intercepts_near_zero_are_not_biased_away_from_the_held_out_block(monkeypatch):
    near = np.array([judged(seed) for seed in range(20)])
    monkeypatch.setattr(cross_fitting, "_NESTED_INTERCEPT_PENALTY", 1.0)
    free = np.array([judged(seed) for seed in range(20)])
    assert (near < free).mean() > 0.8


@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_what_is_said_of_a_part_hangs_on_the_others_alone(block):
    cross_fitted, problem = a_trial(0)
    here = cross_fitted.block == block
    other = problem.targets.copy()
    other[here] = np.roll(other[here], 1, axis=1)
    changed = Problem(features=problem.features, targets=other, task="multiclass", groups=problem.groups)
    np.testing.assert_array_equal(cross_fitted.outputs(problem)[here], cross_fitted.outputs(changed)[here])
