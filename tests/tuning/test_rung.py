"""How a trial is judged: the choice and its calibration come from other parts than the one that they are judged on."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.adaptation.problem import Problem
from headstart.core import registry
from headstart.tuning import rung
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import ALPHAS

N_ITEMS, N_CLASSES, N_BLOCKS = 48, 6, 5


def a_trial(seed: int) -> tuple[rung.Trial, Problem]:
    """Scores that know a little, of items in blocks as folds cut them: whatever a block has much of, the others have less."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(N_ITEMS) % N_CLASSES)
    targets = np.eye(N_CLASSES)[codes]
    scores = rng.normal(size=(N_POINTS, len(ALPHAS), N_ITEMS, N_CLASSES)) + 1.5 * targets
    trial = rung.Trial(
        strategy=registry.get("strategies", "bias")(),
        index=np.arange(N_ITEMS),
        block=np.arange(N_ITEMS) % N_BLOCKS,
        scores=scores,
    )
    problem = Problem(features=np.zeros((N_ITEMS, 1)), targets=targets, task="multiclass", groups=np.arange(N_ITEMS))
    return trial, problem


def judged(seed: int) -> float:
    trial, problem = a_trial(seed)
    return float(problem.task_spec.losses(trial.outputs(problem), problem.targets).mean())


def test_what_flatters_itself_loses_less_than_what_is_judged_elsewhere():
    for seed in range(10):
        trial, problem = a_trial(seed)
        assert problem.task_spec.losses(trial.flattered(problem), problem.targets).mean() < judged(seed)


def test_offsets_near_nought_do_not_lean_away_from_the_part_that_is_judged(monkeypatch):
    near = np.array([judged(seed) for seed in range(20)])
    monkeypatch.setattr(rung, "_OFFSET_PENALTY", 1.0)
    free = np.array([judged(seed) for seed in range(20)])
    assert (near < free).mean() > 0.8


@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_what_is_said_of_a_part_hangs_on_the_others_alone(block):
    trial, problem = a_trial(0)
    here = trial.block == block
    other = problem.targets.copy()
    other[here] = np.roll(other[here], 1, axis=1)
    changed = Problem(features=problem.features, targets=other, task="multiclass", groups=problem.groups)
    np.testing.assert_array_equal(trial.outputs(problem)[here], trial.outputs(changed)[here])
