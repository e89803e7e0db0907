"""A head that follows single labels is at every time the head of a refit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import InternalError, OptionError
from headstart.core.moments import Moments
from headstart.updating import exact
from headstart.updating.exact import RunningRidge, SlidingRidge


def rows(seed, n, d=5, k=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (n, d))
    return x, x[:, :k] * 0.7 + rng.normal(0, 1, (n, k))


def refit(x, y, weights, penalty):
    """Weighted ridge with a free intercept, from the rows, by a formula of its own."""
    root = np.sqrt(weights)[:, None]
    design = np.hstack([x, np.ones((len(x), 1))]) * root
    ridge = penalty * np.diag([*[1.0] * x.shape[1], 0.0])
    solved = np.linalg.solve(design.T @ design + ridge, design.T @ (y * root))
    return solved[:-1], solved[-1]


def assert_is_refit(head, x, y, weights=None):
    coef, intercept = refit(x, y, np.ones(len(x)) if weights is None else weights, head.penalty_now)
    np.testing.assert_allclose(head.coef, coef, atol=1e-8)
    np.testing.assert_allclose(head.intercept, intercept, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    steps=st.lists(st.sampled_from(["add", "add", "forget", "decay"]), max_size=40),
    penalty=st.floats(0.05, 50),
)
def test_any_order_of_changes_equals_a_refit(seed, steps, penalty):
    x, y = rows(seed, 60)
    kept, weights = list(range(8)), dict.fromkeys(range(8), 1.0)
    head = RunningRidge(Moments.of(x[:8], y[:8]), penalty=penalty)
    for number, step in enumerate(steps, 8):
        if step == "add":
            head.add(x[number], y[number])
            kept.append(number)
            weights[number] = 1.0
        elif step == "forget" and len(kept) > 4:
            gone = kept.pop(0)
            head.forget(x[gone], y[gone], weights.pop(gone))
        elif step == "decay":
            head.decay(0.9)
            weights = {i: w * 0.9 for i, w in weights.items()}
    assert_is_refit(head, x[kept], y[kept], np.array([weights[i] for i in kept]))


def test_a_window_equals_a_refit_of_its_rows_over_thousands_of_changes(monkeypatch):
    monkeypatch.setattr(exact, "RESOLVE_EVERY", 10**9)  # without being computed anew
    x, y = rows(1, 5000)
    head = SlidingRidge.of(x[:50], y[:50], penalty=1.0, size=50)
    for one, target in zip(x[50:], y[50:], strict=True):
        head.add(one, target)
    assert_is_refit(head.head, x[-50:], y[-50:])


def test_decay_restores_the_penalty_before_it_is_gone():
    x, y = rows(2, 400)
    head = RunningRidge(Moments.of(x[:10], y[:10]), penalty=4.0)
    for one, target in zip(x[10:], y[10:], strict=True):
        head.decay(0.98)
        head.add(one, target)
        assert 2.0 <= head.penalty_now <= 4.0
    ages = np.concatenate([[390] * 10, np.arange(389, -1, -1)])
    assert_is_refit(head, x, y, 0.98**ages)


def test_more_rows_are_forgotten_than_there_are():
    x, y = rows(3, 1)
    head = RunningRidge(Moments.of(x, y), penalty=1.0)
    with pytest.raises(InternalError, match="leaves none"):
        head.forget(x[0], y[0])


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda x, y: RunningRidge(Moments.of(x, y), penalty=0.0), "0.0"),
        (lambda x, y: RunningRidge(Moments.of(x, y), penalty=1.0).decay(1.1), "1.1"),
        (lambda x, y: RunningRidge(Moments.of(x, y), penalty=1.0).decay(0.0), "0.0"),
        (lambda x, y: SlidingRidge.of(x, y, penalty=1.0, size=0), "0"),
    ],
)
def test_settings_out_of_range_are_refused(make, value):
    x, y = rows(4, 5)
    with pytest.raises(OptionError, match=value):
        make(x, y)
