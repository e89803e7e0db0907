"""Prediction sets hold the true label as often as they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats, integers

from headstart.core.tasks import get_task
from headstart.evaluation.prediction_set import COVERAGE, prediction_interval, prediction_set

MULTICLASS = get_task("multiclass")


def drawn(n, sharpness, rng, k=6):
    """Probabilities and truths; the probabilities are as wrong as `sharpness` makes them."""
    nested_outputs = rng.dirichlet(np.full(k, 0.4), n)
    truth = np.eye(k)[np.minimum((nested_outputs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1), k - 1)]
    said = nested_outputs**sharpness + 1e-12
    return said / said.sum(axis=1, keepdims=True), truth


def covered(found, outputs, targets):
    is_in = outputs >= np.minimum(found["threshold"], outputs.max(axis=1, keepdims=True))
    return is_in[targets > 0].mean()


@given(seed=integers(0, 2**32 - 1), sharpness=floats(0.3, 3.0), n=integers(9, 150))
@settings(max_examples=15, deadline=None)
def test_new_items_are_covered_in_the_mean_however_wrong_the_probabilities(seed, sharpness, n):
    rng = np.random.default_rng(seed)
    shares = [
        covered(prediction_set(*drawn(n, sharpness, rng), MULTICLASS), *drawn(60, sharpness, rng)) for _ in range(100)
    ]
    assert np.mean(shares) >= COVERAGE - 4 * np.std(shares) / np.sqrt(len(shares))


def test_sets_are_as_small_as_the_model_is_good():
    rng = np.random.default_rng(0)
    outputs, targets = drawn(500, 1.0, rng)
    found = prediction_set(outputs, targets, MULTICLASS)
    assert found["mean_size"] < prediction_set(np.full_like(outputs, 1 / 6), targets, MULTICLASS)["mean_size"] == 6
    assert prediction_set(targets, targets, MULTICLASS)["mean_size"] == 1
    assert prediction_set(outputs, targets, MULTICLASS, coverage=0.5)["threshold"] > found["threshold"]


@pytest.mark.parametrize(("n", "task"), [(8, "multiclass"), (50, "multilabel"), (8, "regression")])
def test_there_are_none_where_nothing_can_be_promised(n, task):
    assert prediction_set(*drawn(n, 1.0, np.random.default_rng(0)), get_task(task)) == {}


@given(seed=integers(0, 2**32 - 1), n=integers(9, 150))
@settings(max_examples=15, deadline=None)
def test_new_values_are_within_the_interval_in_the_mean(seed, n):
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(100):
        errors = rng.standard_t(2, (n + 60, 1)) * 3
        found = prediction_interval(errors[:n], np.zeros((n, 1)))
        shares.append(np.mean(np.abs(errors[n:]) <= found["half_width"]))
    assert np.mean(shares) >= COVERAGE - 4 * np.std(shares) / np.sqrt(len(shares))


def test_a_regression_has_the_interval_of_its_errors():
    targets = np.arange(19.0)[:, None]
    found = prediction_set(targets + np.arange(19.0)[:, None], targets, get_task("regression"))
    assert found == {"coverage": 0.9, "half_width": 17.0}  # 18 of these 19 and one more
