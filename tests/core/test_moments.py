"""Moments add and subtract as the rows do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers

from headstart.core.errors import InternalError
from headstart.core.moments import Moments

seeds = integers(0, 2**32 - 1)


def rows(seed, n=40, d=5, k=3):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-3, 4, d)
    return rng.normal(rng.normal(0, 10, d), 1, (n, d)) * scale, rng.normal(size=(n, k)), rng.uniform(0.1, 3.0, n)


def assert_equal(a, b, tolerance=1e-9, whole=None):
    """Equal to rounding, in units of the largest entry of `whole`: what is subtracted away keeps its rounding error."""
    for name, value in a.arrays().items():
        other = b.arrays()[name]
        scale = np.abs((whole or b).arrays()[name]).max() + 1e-300
        np.testing.assert_allclose(value / scale, other / scale, atol=tolerance, err_msg=name)


@given(seed=seeds, cut=integers(1, 39))
def test_merged_moments_equal_the_moments_of_all(seed, cut):
    x, y, w = rows(seed)
    assert_equal(Moments.of(x[:cut], y[:cut], w[:cut]) + Moments.of(x[cut:], y[cut:], w[cut:]), Moments.of(x, y, w))


@given(seed=seeds, cut=integers(1, 39))
def test_unmerging_is_exact_to_rounding(seed, cut):
    x, y, w = rows(seed)
    whole = Moments.of(x, y, w)
    rest = whole - Moments.of(x[:cut], y[:cut], w[:cut])
    lightest = w[cut:].sum() / w.sum()
    assert_equal(rest, Moments.of(x[cut:], y[cut:], w[cut:]), tolerance=1e-12 / lightest, whole=whole)


@given(seed=seeds)
def test_weights_are_repetitions(seed):
    x, y, _ = rows(seed)
    times = np.random.default_rng(seed).integers(1, 4, len(x))
    assert_equal(Moments.of(x, y, times), Moments.of(np.repeat(x, times, axis=0), np.repeat(y, times, axis=0)))


@given(seed=seeds)
def test_scaling_is_weighing(seed):
    x, y, w = rows(seed)
    assert_equal(Moments.of(x, y, w).scaled(0.25), Moments.of(x, y, w * 0.25))


@given(seed=seeds)
def test_order_of_merging_does_not_matter(seed):
    x, y, w = rows(seed)
    a, b, c = (Moments.of(x[i::3], y[i::3], w[i::3]) for i in range(3))
    assert_equal((a + b) + c, c + (b + a))


def test_arrays_come_back():
    moments = Moments.of(*rows(0))
    assert_equal(Moments.from_arrays(moments.arrays()), moments, tolerance=0)


def test_no_rows_left_is_an_error():
    moments = Moments.of(*rows(0))
    with pytest.raises(InternalError, match="leaves none"):
        moments - moments
    with pytest.raises(InternalError, match="positive total weight"):
        Moments.of(np.ones((2, 1)), np.ones((2, 1)), np.zeros(2))


def test_moments_come_back_from_a_file():
    from safetensors.numpy import load

    from headstart.packaging.bundle import safetensors

    x, y, w = rows(3)
    moments = Moments.of(x, y, w)
    assert_equal(Moments.from_arrays(load(safetensors(moments.arrays()))), moments, tolerance=0)
