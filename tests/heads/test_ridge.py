"""The closed form equals refitting, for every size of group, weight and shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, sampled_from

from headstart.core.moments import Moments
from headstart.heads.problem import Problem
from headstart.heads.ridge import Ridge, RidgePath, moments_of
from headstart.heads.transforms import TRANSFORMS

seeds = integers(0, 2**32 - 1)


def make_problem(seed, n, d, task="multiclass"):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d)) + rng.normal(size=d)
    if task == "regression":
        targets = features @ rng.normal(size=(d, 1)) + rng.normal(size=(n, 1))
    else:
        targets = np.eye(3)[np.concatenate([[0, 1, 2], rng.integers(0, 3, n - 3)])]
    return Problem(features=features, targets=targets, task=task, groups=rng.integers(0, n // 2, n))


def refit(problem, weights, rows, path, penalty):
    """Ridge with a weighted intercept by the normal equations, on some rows, in the path's own coordinates."""
    x = (TRANSFORMS[path.transform].apply(problem.features) - path.centre) * path.scale
    x1 = np.column_stack([x, np.ones(len(x))])
    system = (x1[rows].T * weights[rows]) @ x1[rows] + penalty * np.diag([1.0] * x.shape[1] + [0.0])
    solution = np.linalg.lstsq(system, (x1[rows].T * weights[rows]) @ problem.signs[rows], rcond=None)[0]
    return x1 @ solution


@settings(deadline=None, max_examples=60)
@given(
    seed=seeds,
    wide=booleans(),
    scaled=booleans(),
    transform=sampled_from(sorted(TRANSFORMS)),
    task=sampled_from(["multiclass", "regression"]),
)
def test_leave_one_group_out_equals_refitting_without_the_group(seed, wide, scaled, transform, task):
    problem = make_problem(seed, *((16, 30) if wide else (40, 4)), task=task)
    path = RidgePath.of(problem, transform, scaled=scaled)
    penalty = 0.3 * path.mean_eigenvalue
    scores = path.held_out(problem.groups, np.array([penalty]))[0]
    for group in np.unique(problem.groups):
        inside, outside = problem.groups != group, problem.groups == group
        expected = refit(problem, problem.weights, np.flatnonzero(inside), path, penalty)
        np.testing.assert_allclose(scores[outside], expected[outside], atol=1e-6)


@settings(deadline=None)
@given(seed=seeds, wide=booleans())
def test_head_equals_the_normal_equations(seed, wide):
    problem = make_problem(seed, *((16, 30) if wide else (40, 4)))
    path = RidgePath.of(problem, "identity", scaled=False)
    expected = refit(problem, problem.weights, np.arange(len(problem.targets)), path, 2.5)
    np.testing.assert_allclose(path.head(2.5).scores(problem.features), expected, atol=1e-7)


def test_a_constant_feature_and_constant_features_do_no_harm():
    problem = make_problem(0, 30, 4)
    features = np.column_stack([problem.features, np.full(30, 7.0)])
    fit = Ridge().fit(Problem(features=features, targets=problem.targets, task="multiclass", groups=np.arange(30)))
    assert np.isfinite(fit.head.coef).all()
    flat = Ridge().fit(
        Problem(features=np.ones((30, 3)), targets=problem.targets, task="multiclass", groups=np.arange(30))
    )
    assert np.isfinite(flat.head.scores(np.ones((2, 3)))).all()


def test_moments_in_chunks_equal_moments_at_once():
    problem = make_problem(3, 5000, 3)
    chunked = moments_of(problem, "identity")
    whole = Moments.of(problem.features, problem.signs, problem.weights)
    np.testing.assert_allclose(chunked.scatter, whole.scatter, rtol=1e-9)
    np.testing.assert_allclose(chunked.cross, whole.cross, rtol=1e-7, atol=1e-7)


def test_a_group_of_one_item_and_of_many_agree_with_refitting_on_every_penalty():
    problem = make_problem(5, 40, 4)
    groups = np.array([0] * 20 + list(range(1, 21)))
    path = RidgePath.of(problem, "identity", scaled=False)
    penalties = np.array([0.01, 1.0, 100.0])
    for penalty, scores in zip(penalties, path.held_out(groups, penalties), strict=True):
        expected = refit(problem, problem.weights, np.arange(20, 40), path, penalty)
        np.testing.assert_allclose(scores[:20], expected[:20], atol=1e-7)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_one_standard_error_rule_takes_a_stronger_penalty_than_the_best(task):
    problem = make_problem(7, 60, 20, task=task)
    fit = Ridge(transforms=("identity",), scaled_transforms=()).fit(problem)
    assert fit.penalty > 0
