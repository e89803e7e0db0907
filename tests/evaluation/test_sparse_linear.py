"""Linear models on sparse rows: in the span of the rows or not, they are scikit-learn's, and their probabilities are calibrated."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from headstart.core.tasks import get_task
from headstart.evaluation import linear_losses, sparse_linear
from headstart.evaluation.sparse_linear import fit_linear


def texts_like(n=120, d=400, k=3, seed=0, noise=1.0):
    """Sparse rows of unit length whose class has a few columns of its own."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % k
    rows = (rng.random((n, d)) < 0.05) * rng.random((n, d)) * noise
    rows[np.arange(n), codes] += rng.random(n) < 0.6
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return sparse.csr_matrix(rows), np.eye(k)[codes]


@pytest.mark.parametrize("loss", ["softmax", "squared_hinge"])
def test_fits_in_the_span_are_those_of_scikit_learn(loss):
    rows, targets = texts_like()
    codes = targets.argmax(axis=1)
    reduced, expand = sparse_linear.within_span(rows)
    assert reduced.shape == (120, 120)
    coef, intercept = linear_losses.fit_smooth(reduced, targets, 1.0, getattr(linear_losses, f"{loss}_loss"), None)
    found = rows @ expand(coef) + intercept
    if loss == "softmax":
        expected = LogisticRegression(C=1.0, max_iter=2000, tol=1e-8).fit(rows, codes).decision_function(rows)
        found -= found.mean(axis=1, keepdims=True)
        expected -= expected.mean(axis=1, keepdims=True)
    else:
        expected = (
            LinearSVC(C=1.0, max_iter=100_000, tol=1e-8, intercept_scaling=10).fit(rows, codes).decision_function(rows)
        )
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_gradients_equal_finite_differences():
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 0, 1]]
    for loss in (linear_losses.softmax_loss, linear_losses.sigmoid_loss, linear_losses.squared_hinge_loss):
        _, gradient = loss(scores, targets)
        for i, j in np.ndindex(5, 3):
            step = np.zeros((5, 3))
            step[i, j] = 1e-6
            slope = (loss(scores + step, targets)[0] - loss(scores - step, targets)[0]) / 2e-6
            assert slope == pytest.approx(gradient[i, j], abs=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("many", [False, True])
def test_every_task_is_learned_whether_rows_are_few_or_many(task, many, monkeypatch):
    monkeypatch.setattr(sparse_linear, "_MANY_ROWS", 50 if many else 3000)
    rows, targets = texts_like(k=2 if task == "binary" else 3, noise=0.5)
    wanted = 10 + 5 * targets[:, :1] if task == "regression" else targets
    fit = fit_linear(rows, wanted, get_task(task), np.arange(120), 0)
    outputs = get_task(task).outputs(rows @ fit.coef + fit.intercept)
    assert np.corrcoef(outputs[:, 0], wanted[:, 0])[0, 1] > 0.6
    assert "C = " in fit.note


def test_probabilities_are_calibrated_on_held_out_items():
    rows, targets = texts_like(n=600, noise=1.0)
    fit = fit_linear(rows[:300], targets[:300], get_task("multiclass"), np.arange(300), 0)
    outputs = get_task("multiclass").outputs(rows[300:] @ fit.coef + fit.intercept)
    right = outputs.argmax(axis=1) == targets[300:].argmax(axis=1)
    assert abs(outputs.max(axis=1).mean() - right.mean()) < 0.08


def test_a_class_without_items_is_never_likely():
    rows, targets = texts_like()
    kept = np.flatnonzero(targets[:, 1] == 0)
    fit = fit_linear(rows[kept], targets[kept], get_task("multiclass"), np.arange(len(kept)), 0)
    outputs = get_task("multiclass").outputs(rows @ fit.coef + fit.intercept)
    assert outputs[:, 1].max() < 1e-3


def test_without_enough_groups_nothing_is_held_out():
    rows, targets = texts_like()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_linear(rows, targets, get_task("multiclass"), np.zeros(120, int), 0)
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.intercept).all()
    assert fit.note == "logistic regression, C = 100"
