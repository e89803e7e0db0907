"""The offset: against brute force, and from "as it is" to "no transfer"."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from headstart.core.tasks import get_task
from headstart.heads.offset import PRIOR, candidate_weights, fit_offset, fold_numbers
from headstart.heads.offset_solver import INTERCEPT_PRECISION, SLOPE_PRECISION, OffsetProblem

BINARY, MULTICLASS, VALUES, LABELS = (get_task(one) for one in ("binary", "multiclass", "regression", "multilabel"))


def _two(margin):
    return np.column_stack([-margin / 2, margin / 2])


def _binary(seed, n=80, d=4, shift=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    source = x[:, 0] * 2
    truth = source + shift * x[:, 1]
    y = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)
    return _two(source), x, np.column_stack([1 - y, y])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), penalty=st.sampled_from([0.03, 1.0, 30.0]))
def test_the_penalized_logistic_fit_is_the_minimum_found_by_brute_force(seed, penalty):
    source, x, y = _binary(seed, n=30, d=3)
    found = OffsetProblem.of(source, x, y, BINARY).solve(penalty)
    centred = x - x.mean(axis=0)
    unit = 1 / np.sqrt(np.mean(np.square(centred).sum(axis=1)))
    margin = source[:, 1] - source[:, 0]

    def objective(theta):
        scores = theta[0] * margin + theta[1] + centred * unit @ theta[2:]
        loss = (np.logaddexp(0, scores) - scores * y[:, 1]).sum()
        penalties = SLOPE_PRECISION * (theta[0] - 1) ** 2 + INTERCEPT_PRECISION * theta[1] ** 2
        return loss + 0.5 * (penalties + penalty * theta[2:] @ theta[2:])

    brute = minimize(
        objective, np.zeros(5), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 9000}
    )
    expected = brute.x[0] * margin + brute.x[1] + centred * unit @ brute.x[2:]
    scores = found.scores(source, x)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], expected, atol=5e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), penalty=st.sampled_from([0.03, 1.0, 30.0]))
def test_the_least_squares_fit_has_no_better_neighbour(seed, penalty):
    rng = np.random.default_rng(seed)
    x, source = rng.normal(size=(20, 3)), rng.normal(size=(20, 1)) * 10 + 50
    y = source + x[:, :1] + rng.normal(size=(20, 1))
    problem = OffsetProblem.of(source, x, y, VALUES)
    found = problem.solve(penalty)
    spread = float(np.var(source)) / problem.variance

    def objective(slope, intercept, coef):
        errors = y - (slope * source + intercept + x @ coef)
        return (
            np.square(errors).sum() / problem.variance
            + penalty * np.square(coef / problem.unit).sum() / problem.variance
            + SLOPE_PRECISION * spread * (slope - 1) ** 2
        )

    least = objective(found.slope, found.intercept, found.coef)
    for _ in range(20):
        step = rng.normal(size=5) * 1e-2
        moved = objective(found.slope + step[0] / 50, found.intercept + step[1], found.coef + step[2:, None])
        assert moved >= least - 1e-3 * abs(least) * 1e-3


@pytest.mark.parametrize("task", [MULTICLASS, LABELS])
def test_several_columns_reach_a_zero_of_the_gradient(task):
    rng = np.random.default_rng(0)
    source, x = rng.normal(size=(60, 3)), rng.normal(size=(60, 5))
    y = np.eye(3)[(source + rng.normal(size=(60, 3))).argmax(axis=1)]
    found = OffsetProblem.of(source, x, y, task).solve(1.0)
    by_score = task.gradient(task.outputs(found.scores(source, x)), y)
    centred = x - x.mean(axis=0)
    unit = 1 / np.sqrt(np.mean(np.square(centred).sum(axis=1)))
    np.testing.assert_allclose(centred.T @ by_score * unit + found.coef / unit, 0, atol=0.02)


def test_a_source_that_is_right_is_left_as_it_is_and_one_of_noise_is_not_used():
    source, x, y = _binary(1, n=300)
    fit = fit_offset(source, x, y, np.arange(300), task=BINARY)
    assert fit.weight_of("as it is") + fit.weight_of("recalibrated") > 0.5
    noise = _two(np.random.default_rng(9).normal(size=300) * 3)
    fit = fit_offset(noise, x, y, np.arange(300), task=BINARY)
    assert fit.weight_of("no transfer") > 0.5
    assert abs(fit.slope) < 0.2


def test_what_the_target_adds_is_learned_as_residual():
    source, x, y = _binary(2, n=600, shift=3.0)
    train, test = np.arange(300), np.arange(300, 600)
    fit = fit_offset(source[train], x[train], y[train], train, task=BINARY)
    as_it_is = BINARY.losses(BINARY.outputs(source[test]), y[test]).mean()
    learned = BINARY.losses(BINARY.outputs(fit.scores(source[test], x[test])), y[test]).mean()
    assert learned < as_it_is - 0.1


def test_an_infinite_penalty_is_the_source_itself():
    source, x, y = _binary(3)
    fit = fit_offset(source, x, y, np.arange(80), task=BINARY, kinds=("as it is",))
    np.testing.assert_array_equal(fit.scores(source, x), source)


def test_values_in_large_units_are_fitted_like_small_ones():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 3))
    source = x[:, :1] * 2 + 5
    y = source + x[:, 1:2] + rng.normal(size=(60, 1)) * 0.1
    small = fit_offset(source, x, y, np.arange(60), task=VALUES)
    large = fit_offset(source * 1e6, x, y * 1e6, np.arange(60), task=VALUES)
    np.testing.assert_allclose(large.scores(source * 1e6, x) / 1e6, small.scores(source, x), rtol=1e-5)


def test_held_out_scores_are_those_of_fits_without_the_items_and_its_group():
    source, x, y = _binary(5, n=40)
    groups = np.arange(40) // 2
    fit = fit_offset(source, x, y, groups, task=BINARY, kinds=("residual",), penalties=(1.0,))
    folds = fold_numbers(groups, y, 0)
    train, test = folds != 0, folds == 0
    alone = OffsetProblem.of(source[train], x[train], y[train], BINARY).solve(1.0)
    np.testing.assert_allclose(fit.held_out[test], alone.scores(source[test], x[test]), atol=1e-6)


def test_ten_copies_of_a_group_weigh_no_more_than_one():
    source, _, y = _binary(6, n=30)
    held_out = np.stack([source, -source])
    once = candidate_weights(held_out, y, np.arange(30), np.array([0.5, 0.5]), BINARY)
    copies = np.repeat(np.arange(30), 10)
    often = candidate_weights(held_out[:, copies], y[copies], copies, np.array([0.5, 0.5]), BINARY)
    np.testing.assert_allclose(once, often)


def test_the_prior_is_a_distribution_of_kinds():
    assert sum(PRIOR.values()) == pytest.approx(1.0)
