"""The initial head of tuning: as confident on training items as on held-out ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tiny_tuning_problem
from headstart.engines.context import RunContext
from headstart.tuning import TuningProblem

N, D = 48, 200
EVERYTHING = np.arange(N)


def tuning_problem(signal: float, tmp_path, task="multiclass") -> TuningProblem:
    """Features with so much to learn in them, and more of them than items, so that any labels can be learned by heart."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, N)
    features = (rng.normal(size=(N, D)) + signal * np.eye(4, D)[codes]).astype(np.float32)
    base = tiny_tuning_problem.tuning_problem("bert", tmp_path, 4)
    targets = np.eye(4)[codes] if task == "multiclass" else codes[:, None].astype(float)
    problem = replace(base.problem, features=features, targets=targets, task=task, groups=EVERYTHING)
    return replace(base, problem=problem, fold_groups=EVERYTHING, context=RunContext())


@pytest.mark.parametrize("signal", [1.5, 3.0, 6.0])
def test_training_loss_of_the_initial_head_equals_the_held_out_loss(signal, tmp_path):
    made = tuning_problem(signal, tmp_path)
    adapted, head = made.adapt(EVERYTHING), made.initial_head(EVERYTHING)
    targets, task = made.problem.targets, made.problem.task_spec
    lost = task.losses(task.outputs(head.scores(made.problem.features)), targets).mean()
    assert lost == pytest.approx(task.losses(adapted.held_out, targets).mean(), rel=1e-4)
    by_heart = task.losses(adapted.head.outputs(made.problem.features), targets).mean()
    assert by_heart < 0.5 * lost


def test_no_answer_changes(tmp_path):
    made = tuning_problem(3.0, tmp_path)
    before, after = (
        head.scores(made.problem.features)
        for head in (made.adapt(EVERYTHING).leading_head.heads[0], made.initial_head(EVERYTHING))
    )
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    factor = after / before
    np.testing.assert_allclose(factor, factor[0, 0], rtol=1e-6)
    assert 0 < factor[0, 0] < 1


def test_values_stay_as_they_are(tmp_path):
    made = tuning_problem(3.0, tmp_path, task="regression")
    expected = made.adapt(EVERYTHING).leading_head.heads[0].scores(made.problem.features)
    np.testing.assert_array_equal(made.initial_head(EVERYTHING).scores(made.problem.features), expected)
