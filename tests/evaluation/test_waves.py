"""Waves: a curve that no line follows, in any unit, and baselines that are for values alone."""

import numpy as np
import pytest

from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.waves import fit_waves
from headstart.heads.problem import Problem


def problem(rows, targets, task="regression"):
    return Problem(features=rows, targets=targets, task=task, groups=np.arange(len(rows)), seed=0)


def answers(waves, rows):
    return np.cos(rows @ waves.directions + waves.phase) @ waves.coef + rows @ waves.linear + waves.intercept


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e5])
def test_it_follows_a_curve_in_any_unit(unit):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3)) + 5
    truth = unit * (np.sin(2 * rows[:, 0]) + (rows[:, 1] - 5) ** 2 + 7)[:, None]
    waves = fit_waves(rows[:150], problem(rows[:150], truth[:150]))
    left = answers(waves, rows[150:]) - truth[150:]
    assert np.mean(left**2) < 0.25 * truth[150:].var()


def test_constant_rows_give_the_mean_and_one_group_is_enough():
    rows, values = np.ones((20, 2)), np.arange(20.0)[:, None]
    np.testing.assert_allclose(answers(fit_waves(rows, problem(rows, values)), rows), 9.5, atol=1e-6)
    alone = Problem(features=rows, targets=values, task="regression", groups=np.zeros(20, int), seed=0)
    assert np.isfinite(answers(fit_waves(rows, alone), rows)).all()


def test_it_is_tried_for_values_alone():
    fields = ("number", "category")
    assert "smooth-columns" in {one.name for one in baselines_for(fields, None)}
    assert "smooth-columns" not in {one.name for one in baselines_for(fields, None, of_values=False)}
