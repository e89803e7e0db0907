"""The mean of linear models: what does not do worse stays in it, what does leaves, and it is one linear model."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from headstart.core.tasks import get_task
from headstart.evaluation import linear_mean
from headstart.evaluation.linear_mean import fit_linear_mean


def drawn(n, d=12, seed=0, noise=1.0, scale=1.0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d))
    return rows, scale * (rows[:, 0] - rows[:, 1] + noise * rng.normal(size=n))


def fitted(rows, targets, task, scales=None):
    scales = np.ones((1, rows.shape[1])) if scales is None else scales
    groups = np.arange(len(rows))
    return fit_linear_mean(sparse.csr_matrix(rows), scales, targets, get_task(task), groups=groups, seed=0)


def test_it_is_as_good_as_one_model_at_scikit_learns_defaults():
    rows, score = drawn(3040)
    codes = (score > 0).astype(int)
    fit = fitted(rows[:40], np.eye(2)[codes[:40]], "binary")
    ours = (rows @ fit.coef + fit.intercept).argmax(axis=1)[40:] == codes[40:]
    theirs = LogisticRegression().fit(rows[:40], codes[:40]).predict(rows[40:]) == codes[40:]
    assert ours.mean() > theirs.mean() - 0.01
    assert ours.mean() > 0.68


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_the_unit_of_values_changes_nothing_but_the_unit(scale):
    rows, score = drawn(60, scale=scale)
    plain = fitted(rows, drawn(60)[1][:, None], "regression")
    fit = fitted(rows, score[:, None], "regression")
    assert fit.note == plain.note
    np.testing.assert_allclose(fit.coef, plain.coef * scale, rtol=1e-4, atol=1e-4 * scale)


def test_a_scale_that_hides_what_matters_gets_no_weight():
    rows, score = drawn(200, noise=0.1)
    hidden = np.ones(12)
    hidden[:2] = 0.0
    both = fitted(rows, score[:, None], "regression", np.stack([hidden, np.ones(12)]))
    alone = fitted(rows, score[:, None], "regression")
    np.testing.assert_allclose(both.coef, alone.coef, atol=1e-9)


def test_losses_that_are_equal_share_the_weight_and_much_worse_ones_have_none():
    task = get_task("binary")
    np.testing.assert_allclose(linear_mean._weights(np.full(4, 0.3), 100, task), 0.25)
    assert linear_mean._weights(np.array([0.3, 0.31, 0.9]), 100, task).tolist()[2] == 0.0
    assert linear_mean._weights(np.array([0.3, 0.3001]), 100, get_task("regression")).tolist() == [1.0, 0.0]


def test_two_groups_are_too_few_to_hold_out_and_a_class_without_rows_is_all_but_excluded():
    rows, score = drawn(20)
    targets = np.eye(3)[(score > 0).astype(int)]
    fit = fit_linear_mean(
        sparse.csr_matrix(rows), np.ones((1, 12)), targets, get_task("multiclass"), groups=np.arange(20) % 2, seed=0
    )
    assert np.isfinite(fit.coef).all()
    assert not fit.coef[:, 2].any()
    assert fit.intercept[2] < fit.intercept[:2].min() - 10
