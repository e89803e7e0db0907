"""An interval of 95 % covers the truth about as often as it says, also for few groups, alike items and rare errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headstart.core.errors import DataError
from headstart.core.intervals import Resamples, gain, score, scores
from headstart.core.tasks import get_task

ACCURACY = get_task("binary").metric("accuracy")


def outcomes(right):
    return np.where(np.asarray(right)[:, None], [0.9, 0.1], [0.1, 0.9])


def draw_groups(rng, n, largest):
    sizes = rng.integers(1, largest + 1, n)
    return np.repeat(np.arange(n), sizes)[:n]


def draw_right(rng, groups, accuracy, likeness):
    """Correctness of items whose groups share a beta-distributed accuracy with that intra-class correlation."""
    if likeness == 0:
        return rng.random(len(groups)) < accuracy
    scale = 1 / likeness - 1
    return rng.random(len(groups)) < rng.beta(accuracy * scale, (1 - accuracy) * scale, groups.max() + 1)[groups]


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize(("largest", "likeness"), [(1, 0), (5, 0), (5, 0.3), (5, 0.8)])
def test_interval_of_an_accuracy_covers(n, accuracy, largest, likeness):
    rng = np.random.default_rng([n, int(accuracy * 100), largest, int(likeness * 10)])
    targets = np.tile([1.0, 0.0], (n, 1))
    n_runs, n_covered = 300, 0
    for seed in range(n_runs):
        groups = draw_groups(rng, n, largest)
        outputs = outcomes(draw_right(rng, groups, accuracy, likeness))
        found = score(ACCURACY, targets, outputs, groups, seed=seed, n_resamples=200)
        n_covered += found.low <= accuracy <= found.high
    # the truth must be at least 92 %: reject only what 300 runs would show less than once in 1,000 times
    assert n_covered >= stats.binom.ppf(0.001, n_runs, 0.92)


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("accuracy", [0.6, 0.95])
@pytest.mark.parametrize("shared", [0.2, 0.9])
def test_gain_between_equals_is_rarely_significant(n, accuracy, shared):
    rng = np.random.default_rng([n, int(accuracy * 100), int(shared * 10)])
    targets = np.tile([1.0, 0.0], (n, 1))
    n_runs, n_covered = 300, 0
    for seed in range(n_runs):
        groups = draw_groups(rng, n, 5)
        ours = draw_right(rng, groups, accuracy, 0.3)
        theirs = np.where(rng.random(n) < shared, ours, draw_right(rng, groups, accuracy, 0.3))
        found = gain(ACCURACY, targets, outcomes(ours), outcomes(theirs), groups, seed=seed, n_resamples=200)
        n_covered += found.low <= 0 <= found.high
    assert n_covered >= stats.binom.ppf(0.001, n_runs, 0.92)


def test_a_large_gain_is_significant():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(200) < 0.9, rng.random(200) < 0.6
    targets = np.tile([1.0, 0.0], (200, 1))
    found = gain(ACCURACY, targets, outcomes(ours), outcomes(theirs), np.arange(200))
    assert 0.15 < found.low < found.value < found.high < 0.45


def test_three_differing_items_prove_nothing():
    ours, theirs = np.ones(100, bool), np.ones(100, bool)
    theirs[:3] = False
    found = gain(ACCURACY, np.tile([1.0, 0.0], (100, 1)), outcomes(ours), outcomes(theirs), np.arange(100))
    assert found.value == pytest.approx(0.03)
    assert found.low < 0


def test_no_error_leaves_room_for_some():
    targets = np.tile([1.0, 0.0], (50, 1))
    perfect = outcomes(np.ones(50, bool))
    alone = score(ACCURACY, targets, perfect, np.arange(50))
    grouped = score(ACCURACY, targets, perfect, np.arange(50) // 5)
    assert alone.value == grouped.value == alone.high == 1
    assert 0.9 < alone.low < 0.95
    assert grouped.low < 0.8  # ten groups are ten witnesses


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_every_interval_holds_its_value_and_repeats(task, seed):
    rng = np.random.default_rng(seed)
    n, k = 40, {"binary": 2, "multiclass": 4, "multilabel": 3, "regression": 1}[task]
    targets = {"multilabel": (rng.random((n, k)) < 0.4).astype(float), "regression": rng.normal(5, 2, (n, 1))}.get(
        task, np.eye(k)[rng.integers(k, size=n)]
    )
    ours = rng.dirichlet(np.ones(k), n) if k > 1 else targets + rng.normal(size=(n, 1))
    theirs = rng.dirichlet(np.ones(k), n) if k > 1 else targets + rng.normal(size=(n, 1))
    resamples = Resamples.draw(rng.integers(12, size=n), seed=1)
    found = scores(get_task(task).metrics, targets, ours, resamples)
    assert found == scores(get_task(task).metrics, targets, ours, resamples)
    assert all(one.low <= one.value <= one.high for one in found)
    metric = get_task(task).headline(targets)
    forth, back = gain(metric, targets, ours, theirs, resamples), gain(metric, targets, theirs, ours, resamples)
    assert forth.value == pytest.approx(-back.value)
    assert forth.low == pytest.approx(-back.high)


def test_gain_is_positive_where_a_loss_falls():
    targets = np.random.default_rng(0).normal(size=(50, 1))
    found = gain(get_task("regression").metric("MAE"), targets, targets + 0.1, targets + 1.0, np.arange(50))
    assert found.value == pytest.approx(0.9)


@pytest.mark.parametrize("name", ["ROC AUC", "average precision", "macro-F1", "log loss"])
def test_spread_is_that_of_fresh_samples(name):
    """The spread found in one sample is near the spread over samples."""
    rng = np.random.default_rng(0)
    metric = get_task("binary").metric(name)

    def sample():
        codes = rng.integers(2, size=300)
        p = 1 / (1 + np.exp(-rng.normal(2 * codes - 1, 1.5)))
        return np.eye(2)[codes], np.stack([1 - p, p], axis=1)

    values, spreads = [], []
    for _ in range(100):
        targets, outputs = sample()
        resamples = Resamples.draw(np.arange(300), n_resamples=300)
        value, many = resamples.values(metric, targets, outputs)
        values.append(value)
        spreads.append(np.sqrt(resamples.variance(many)))
    assert np.mean(spreads) == pytest.approx(np.std(values), rel=0.25)


def test_many_groups_keep_the_spread():
    rng = np.random.default_rng(0)
    right = rng.random(30_000) < 0.8
    found = score(ACCURACY, np.tile([1.0, 0.0], (30_000, 1)), outcomes(right), np.arange(30_000))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(0.16 / 30_000), rel=0.15)


def test_one_group_has_no_interval():
    with pytest.raises(DataError, match="at least 2 groups"):
        score(ACCURACY, np.eye(2), np.eye(2), np.zeros(2, int))
