"""Penalized linear heads in the span of the items: against direct fits to convergence."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from headstart.core.class_weights import item_weights
from headstart.core.tasks import get_task
from headstart.heads.folds import number_folds
from headstart.heads.lbfgs import LinearProblems, minimize
from headstart.heads.logistic import Logistic
from headstart.heads.score_losses import sigmoid_loss, softmax_loss, squared_hinge_loss
from headstart.heads.span import Span
from headstart.heads.svm import Svm
from headstart.testing.small_data import directions

LOSSES = (softmax_loss, sigmoid_loss, squared_hinge_loss)


def problem_of(task="multiclass", **settings):
    return directions(get_task(task), **settings)


def scaled(features):
    x = np.sign(features) * np.sqrt(np.abs(features))
    x -= x.mean(axis=0)
    return x / np.sqrt(np.mean(np.sum(x**2, axis=1)))


@pytest.mark.parametrize(("n", "d"), [(60, 12), (30, 80)])
@pytest.mark.parametrize("penalty", [1e-1, 1e-3])
def test_logistic_is_scikit_learns(n, d, penalty):
    problem = problem_of(n=n, d=d, separation=1.0)
    head = Logistic(penalties=(penalty,)).fit(problem).head
    x = scaled(problem.features)
    classes = problem.targets.argmax(axis=1)
    expected = LogisticRegression(C=1 / (penalty * n), tol=1e-10, max_iter=10_000).fit(x, classes)
    p = get_task("multiclass").outputs(head.scores(problem.features))
    np.testing.assert_allclose(p, expected.predict_proba(x), atol=2e-3)


@pytest.mark.parametrize("estimator", [Logistic(penalties=(1e-2, 1e-3)), Svm(penalties=(1e-1, 1e-2))])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize(("n", "d"), [(90, 12), (50, 80)])
def test_held_out_scores_are_those_of_refitting_each_fold_alone(estimator, task, n, d):
    problem = problem_of(task, n=n, d=d, separation=1.0, n_per_group=1)
    fit = estimator.fit(problem)
    chosen = fit.with_chosen_hyperparameters()
    folds = number_folds(problem, problem.groups)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        alone = chosen.fit(problem.take(train)).head.scores(problem.features[test])
        np.testing.assert_allclose(fit.scores[test], alone, atol=0.03)


def test_other_groups_are_solved_with_the_chosen_penalty():
    problem = problem_of(n=60, separation=1.0)
    fit = Logistic().fit(problem)
    groups = np.arange(60) // 10
    expected = fit.with_chosen_hyperparameters().fit(replace(problem, groups=groups)).scores
    np.testing.assert_allclose(fit.held_out(groups), expected, atol=1e-9)


def test_a_fold_never_sees_the_targets_that_it_holds_out():
    problem = problem_of(n=30, separation=1.0, n_per_group=3)
    changed = problem.targets.copy()
    mine = problem.groups == 4
    changed[mine] = np.roll(changed[mine], 1, axis=0)
    for estimator in (Logistic(), Svm()):
        one, other = (estimator.fit(replace(problem, targets=t)) for t in (problem.targets, changed))
        if one.estimator == other.estimator:
            np.testing.assert_allclose(one.scores[mine], other.scores[mine], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 25),
    d=st.integers(1, 30),
    k=st.integers(1, 4),
    loss=st.sampled_from(LOSSES),
    penalty=st.sampled_from([1.0, 1e-2]),
)
def test_the_minimum_is_reached_for_each_weighting(seed, n, d, k, loss, penalty):
    rng = np.random.default_rng(seed)
    rows = Span.of(rng.normal(size=(n, d)), "identity").rows
    targets = np.eye(k)[rng.integers(0, k, n)].T if loss is softmax_loss else rng.integers(0, 2, (k, n)).astype(float)
    weights = rng.uniform(size=(3, n))
    problems = LinearProblems(rows=rows, targets=targets, weights=weights, penalties=np.full(3, penalty), loss=loss)
    start = np.zeros((3, k, rows.shape[1]))
    found = minimize(problems, start, tolerance=1e-9)
    reached = problems.state(found, problems.scores(found))
    assert np.abs(problems.gradient(reached)).max() < 2e-3
    from_elsewhere = minimize(problems, rng.normal(size=start.shape), tolerance=1e-9)
    again = problems.state(from_elsewhere, problems.scores(from_elsewhere))
    np.testing.assert_allclose(again.value, reached.value, atol=1e-5)
    alone = minimize(problems.take(np.array([False, True, False])), start[:1], tolerance=1e-9)
    np.testing.assert_allclose(alone[0], found[1], atol=5e-3)  # rounding decides at the kinks of a hinge


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_derivatives_are_those_of_the_loss(loss):
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=(2, 3, 5)), np.eye(3)[rng.integers(0, 3, 5)].T
    at, step = loss(scores, targets), 1e-6
    for j in range(3):
        moved = scores.copy()
        moved[:, j] += step
        there = loss(moved, targets)
        np.testing.assert_allclose((there.values - at.values) / step, at.gradient[:, j], atol=1e-4)
        np.testing.assert_allclose((there.gradient - at.gradient)[:, j] / step, at.curvature[:, j], atol=1e-4)


def test_svm_is_scikit_learns_up_to_the_intercept():
    """LinearSVC penalizes the intercept, which a large scaling makes negligible."""
    from sklearn.svm import LinearSVC

    problem = problem_of("binary", n=60, separation=1.0)
    x, penalty = scaled(problem.features), 1e-2
    expected = LinearSVC(C=1 / (2 * 60 * penalty) * 2, tol=1e-10, max_iter=100_000, intercept_scaling=1e3)
    expected.fit(x, problem.targets[:, 1], sample_weight=item_weights(problem.targets, problem.task_spec))
    scores = Svm(penalties=(penalty,)).fit(problem).head.scores(problem.features)
    np.testing.assert_allclose(scores[:, 1], expected.decision_function(x), atol=5e-3)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1], atol=5e-3)


@pytest.mark.parametrize(("n", "d"), [(40, 12), (20, 50)])
def test_rows_of_the_span_keep_distances(n, d):
    features = np.random.default_rng(0).normal(size=(n, d))
    span = Span.of(features, "sqrt")
    x = scaled(features)
    np.testing.assert_allclose(span.rows[:, :-1] @ span.rows[:, :-1].T, x @ x.T, atol=1e-9)
    assert (span.rows[:, -1] == 1).all()
    theta = np.random.default_rng(1).normal(size=(3, span.rows.shape[1]))
    np.testing.assert_allclose(span.head(theta, features).scores(features), span.rows @ theta.T, atol=1e-9)


def test_constant_features_give_the_class_frequencies():
    problem = replace(problem_of(n=40, d=4), features=np.ones((40, 4)))
    p = get_task("multiclass").outputs(Logistic().fit(problem).head.scores(problem.features))
    np.testing.assert_allclose(p, np.tile(problem.targets.mean(axis=0), (40, 1)), atol=1e-3)
