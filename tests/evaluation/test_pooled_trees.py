"""Trees on the rows of two tables: how much the other's count is read off held-out rows of the target."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.core.tasks import get_task
from headstart.evaluation.boosted import Shape
from headstart.evaluation.histogram_boosting import boost
from headstart.evaluation.pooled_trees import SHARES, Labeled, fit_pooled

TASK = get_task("binary")


def table(n, seed, sign=1.0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3)).astype(np.float32)
    logits = sign * (3 * rows[:, 0] * (rows[:, 1] > 0) - 1.5 * rows[:, 2])
    return Labeled(rows=rows, targets=np.eye(2)[(rng.random(n) < 1 / (1 + np.exp(-logits))).astype(int)])


def loss_of(fitted, part):
    return float(TASK.losses(TASK.outputs(fitted.scores(part.rows)), part.targets).mean())


def test_rows_of_the_same_task_count_and_help():
    own, new = table(60, 0), table(2000, 1)
    fitted = fit_pooled(own, table(1500, 2), np.arange(60), task=TASK)
    alone = fit_pooled(own, table(1500, 3, sign=-1.0), np.arange(60), task=TASK)
    assert fitted.weights[0] < 0.05
    assert loss_of(fitted, new) < loss_of(alone, new) - 0.04


def test_rows_of_another_task_do_not_count():
    own = table(200, 4)
    other = table(1500, 5, sign=-1.0)
    fitted = fit_pooled(own, other, np.arange(200), task=TASK)
    assert fitted.weights[SHARES.index(1.0)] < 0.05
    assert loss_of(fitted, table(1000, 6)) < 0.69


def test_a_regression_keeps_its_units():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(900, 2)).astype(np.float32)
    values = 5000 + 300 * rows[:, :1] + 30 * rng.normal(size=(900, 1))
    own, other, new = (Labeled(rows=rows[i], targets=values[i]) for i in np.split(np.arange(900), [60, 700]))
    fitted = fit_pooled(own, other, np.arange(60), task=get_task("regression"))
    assert np.abs(fitted.scores(new.rows) - new.targets).mean() < 100


def test_a_feature_of_known_value_is_taken_out_of_trees():
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.normal(size=(500, 2)), rng.integers(0, 2, 500)]).astype(np.float32)
    targets = np.eye(2)[(rows[:, 0] * (2 * rows[:, 2] - 1) > 0).astype(int)]
    grown = boost(
        rows, targets, TASK, Shape(leaves=8, least=5, l2=1.0, features=1.0), stages=20, rate=0.2, seed=0
    ).trees
    fixed = grown.with_value(2, 1.0)
    inner = fixed.left != np.arange(len(fixed.left))
    assert (grown.feature == 2).any()
    assert not (fixed.feature[inner] == 2).any()
    marked = rows.copy()
    marked[:, 2] = 1.0
    np.testing.assert_allclose(fixed.predict(rows[:, :2]), grown.predict(marked), atol=1e-6)


@pytest.mark.parametrize("n", [4, 12])
def test_few_rows_are_fitted(n):
    own = table(n, 7)
    own.targets[:2] = np.eye(2)
    assert np.isfinite(fit_pooled(own, table(100, 8), np.arange(n), task=TASK).scores(own.rows)).all()
