"""Every metric equals scikit-learn's, ties and missing classes included, and its jackknife tells its spread."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from headstart.core.errors import OptionError
from headstart.core.metric_sums import SMALLEST_PROBABILITY
from headstart.core.tasks import get_task

SEEDS = st.integers(0, 2**32 - 1)


def one_class(seed, k=4, coarse=False):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 60))
    codes = rng.integers(k, size=n) if seed % 2 else rng.integers(max(2, k - 1), size=n)  # at times a class is missing
    scores = rng.integers(0, 4, (n, k)) + 1.0 if coarse else rng.random((n, k)) + 0.01
    return codes, np.eye(k)[codes], scores / scores.sum(axis=1, keepdims=True)


def columns_with_both(targets):
    return [j for j in range(targets.shape[1]) if 0 < targets[:, j].sum() < len(targets)]


@pytest.mark.parametrize("coarse", [False, True])
@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_one_class_metrics_equal_the_reference(coarse, seed):
    codes, targets, outputs = one_class(seed, coarse=coarse)
    chosen = outputs.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(codes, chosen),
        "balanced accuracy": reference.balanced_accuracy_score(codes, chosen),
        "macro-F1": reference.f1_score(codes, chosen, average="macro"),
        "log loss": reference.log_loss(codes, np.clip(outputs, SMALLEST_PROBABILITY, None), labels=range(4)),
        "average precision": np.mean(
            [reference.average_precision_score(targets[:, j], outputs[:, j]) for j in range(4) if targets[:, j].any()]
        ),
    }
    if len(columns_with_both(targets)):
        expected["ROC AUC"] = np.mean(
            [reference.roc_auc_score(targets[:, j], outputs[:, j]) for j in columns_with_both(targets)]
        )
    for name, value in expected.items():
        assert get_task("multiclass").metric(name).of(targets, outputs) == pytest.approx(value, abs=1e-9), name


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_label_metrics_equal_the_reference(seed):
    rng = np.random.default_rng(seed)
    targets = (rng.random((40, 5)) < 0.3).astype(float)
    outputs = rng.integers(0, 11, (40, 5)) / 10
    flags = outputs > 0.5
    expected = {
        "micro-F1": reference.f1_score(targets, flags, average="micro", zero_division=0),
        "macro-F1": reference.f1_score(targets, flags, average="macro", zero_division=0),
        "subset accuracy": reference.accuracy_score(targets, flags),
        "mean average precision": np.mean(
            [reference.average_precision_score(targets[:, j], outputs[:, j]) for j in range(5) if targets[:, j].any()]
        ),
        "log loss": np.mean(
            [
                reference.log_loss(
                    targets[:, j], np.clip(outputs[:, j], SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY), labels=[0, 1]
                )
                for j in range(5)
            ]
        ),
    }
    for name, value in expected.items():
        assert get_task("multilabel").metric(name).of(targets, outputs) == pytest.approx(value, abs=1e-6), name


@given(seed=SEEDS, offset=st.sampled_from([0.0, -3.0, 1e6]))
@settings(max_examples=25, deadline=None)
def test_value_metrics_equal_the_reference(seed, offset):
    rng = np.random.default_rng(seed)
    targets = rng.normal(offset, 2, (30, 1))
    outputs = targets + rng.normal(0, 1, (30, 1))
    expected = {
        "R²": reference.r2_score(targets, outputs),
        "MAE": reference.mean_absolute_error(targets, outputs),
        "RMSE": reference.root_mean_squared_error(targets, outputs),
    }
    for name, value in expected.items():
        assert get_task("regression").metric(name).of(targets, outputs) == pytest.approx(value, rel=1e-6), name


def test_calibration_error_of_a_calibrated_and_of_a_boastful_model():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < p
    targets = np.eye(2)[(~right).astype(int)]
    calibrated = np.stack([p, 1 - p], axis=1)
    metric = get_task("binary").metric("calibration error")
    assert metric.of(targets, calibrated) < 0.02
    boastful = np.tile([0.99, 0.01], (20_000, 1))
    assert metric.of(targets, boastful) == pytest.approx(0.99 - right.mean(), abs=1e-9)


@pytest.mark.parametrize("name", ["ROC AUC", "average precision"])
@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_pseudo_values_are_the_derivative_in_the_weight_of_an_item(name, seed):
    """Doubling a whole dataset but one item moves the metric as its pseudo-value says."""
    rng = np.random.default_rng(seed)
    n = 40
    targets = np.eye(2)[np.r_[0, 1, rng.random(n - 2) < 0.2].astype(int)]
    score = rng.integers(0, 12, n) / 12
    outputs = np.stack([score, 1 - score], axis=1)
    metric = get_task("binary").metric(name)
    value = metric.of(targets, outputs)
    copies, item = 200, int(rng.integers(n))
    index = np.r_[np.tile(np.arange(n), copies), item]
    moved = metric.of(targets[index], outputs[index]) - value
    pseudo_value = metric.statistics(targets, outputs)[item, 0]
    assert moved * len(index) == pytest.approx(pseudo_value - value, abs=0.03)


def test_undefined_metrics_are_not_numbers():
    targets = np.tile([1.0, 0.0], (4, 1))
    outputs = np.tile([0.6, 0.4], (4, 1))
    assert np.isnan(get_task("binary").metric("ROC AUC").of(targets, outputs))
    assert np.isnan(get_task("regression").metric("R²").of(np.ones((4, 1)), np.zeros((4, 1))))


def test_average_precision_of_two_classes_is_that_of_the_rarer():
    rng = np.random.default_rng(0)
    rare = (rng.random(2000) < 0.02).astype(float)
    guessed = rng.random(2000)
    targets, outputs = np.stack([1 - rare, rare], axis=1), np.stack([1 - guessed, guessed], axis=1)
    expected = reference.average_precision_score(rare, guessed)
    assert get_task("binary").metric("average precision").of(targets, outputs) == pytest.approx(expected)
    assert get_task("binary").metric("average precision").of(targets[:, ::-1], outputs[:, ::-1]) == pytest.approx(
        expected
    )


def test_headline_suits_the_task():
    balanced, rare = np.eye(2)[[0, 1, 0, 1]], np.eye(2)[[0] * 9 + [1]]
    assert get_task("binary").headline(balanced).name == "accuracy"
    assert get_task("binary").headline(rare).name == "ROC AUC"
    assert get_task("binary").headline(np.eye(2)[[0] * 99 + [1]]).name == "average precision"
    assert get_task("multilabel").headline(balanced).name == "mean average precision"
    assert get_task("regression").headline(np.ones((3, 1))).name == "R²"
    assert all(
        metric.higher_is_better for task in ("binary", "multilabel") for metric in [get_task(task).headline(rare)]
    )


def test_unknown_metric_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'accuracy'"):
        get_task("binary").metric("acuracy")


def test_every_task_has_metrics_of_unlike_names():
    for task in ("binary", "multiclass", "multilabel", "regression"):
        named = [metric.name for metric in get_task(task).metrics]
        assert len(named) == len(set(named)) >= 3
