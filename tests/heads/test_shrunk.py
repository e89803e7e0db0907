"""Ridge shrunk to sources: against a weighted fit of all rows, and "no transfer" where a source misleads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import InternalError
from headstart.core.moments import Moments
from headstart.core.tasks import get_task
from headstart.heads.offset import fold_numbers
from headstart.heads.shrunk import fit_shrunk, solve

VALUES, BINARY = get_task("regression"), get_task("binary")


def _rows(seed, n, coef, noise=0.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(coef)))
    return x, x @ np.asarray(coef, float)[:, None] + rng.normal(size=(n, 1)) * noise + 3


def _weighted_ridge(x, y, weights, ridge):
    """Least squares on weighted rows with a free intercept, by the augmented normal equations."""
    design = np.hstack([x, np.ones((len(x), 1))])
    gram = design.T @ (weights[:, None] * design) + np.diag([ridge] * x.shape[1] + [0.0])
    theta = np.linalg.solve(gram, design.T @ (weights[:, None] * y))
    return theta[:-1], theta[-1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), share=st.sampled_from([0.01, 0.3, 1.0]), penalty=st.sampled_from([0.1, 10.0]))
def test_a_share_of_moments_is_a_weight_of_the_sources_rows(seed, share, penalty):
    x, y = _rows(seed, 15, [1, -2, 0])
    sx, sy = _rows(seed + 1, 60, [2, -1, 1])
    fit = fit_shrunk(x, y, np.arange(15), [Moments.of(sx, sy)], task=VALUES, shares=(share,), penalties=(penalty,))
    if fit.shares == (0.0,):
        return  # "no transfer" is always tried
    weights = np.concatenate([np.ones(15), np.full(60, share)])
    both, values = np.vstack([x, sx]), np.vstack([y, sy])
    total = Moments.of(both, values, weights)
    ridge = penalty * np.trace(total.scatter) / 3 / total.weight
    coef, intercept = _weighted_ridge(both, values, weights, ridge)
    np.testing.assert_allclose(fit.coef, coef, atol=1e-8)
    np.testing.assert_allclose(fit.intercept, intercept, atol=1e-8)


def test_held_out_scores_are_those_of_refits_without_the_fold():
    x, y = _rows(0, 30, [1, 2])
    groups = np.arange(30) // 3
    fit = fit_shrunk(x, y, groups, [], task=VALUES, penalties=(1.0,))
    folds = fold_numbers(groups, y, 0)
    for fold in range(folds.max() + 1):
        rest = folds != fold
        coef, intercept = solve(Moments.of(x[rest], y[rest]), 1.0)
        np.testing.assert_allclose(fit.held_out[~rest], x[~rest] @ coef + intercept, atol=1e-8)


def test_a_like_source_is_taken_and_an_opposite_one_is_not():
    x, y = _rows(1, 20, [1, 2, 3, 0, 0, 0, 0, 0], noise=2.0)
    like, opposite = _rows(2, 2000, [1, 2, 3, 0, 0, 0, 0, 0]), _rows(3, 2000, [-1, -2, -3, 4, 4, 0, 0, 0])
    fit = fit_shrunk(x, y, np.arange(20), [Moments.of(*like), Moments.of(*opposite)], task=VALUES)
    assert fit.shares[0] * 2000 > 20  # more than the target's own rows
    assert fit.shares[1] * 2000 < 5


def test_classes_are_calibrated():
    x, values = _rows(4, 200, [2, 0, 0])
    y = (values > 3).astype(float)
    targets = np.hstack([1 - y, y])
    fit = fit_shrunk(x, targets, np.arange(200), [], task=BINARY)
    outputs = BINARY.outputs(fit.scores(x))
    assert BINARY.losses(outputs, targets).mean() < 0.4
    assert abs(outputs[:, 1].mean() - y.mean()) < 0.03


def test_moments_of_other_features_are_refused():
    x, y = _rows(5, 20, [1, 2])
    with pytest.raises(InternalError, match="different features"):
        fit_shrunk(x, y, np.arange(20), [Moments.of(*_rows(6, 20, [1, 2, 3]))], task=VALUES)
