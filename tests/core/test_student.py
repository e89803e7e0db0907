"""Quantiles of Student's t, for whole and other degrees of freedom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headstart.core.student import student_t


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, 10, 30, 500])
def test_student_quantile(degrees):
    assert student_t(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=0.01)


@given(degrees=st.floats(1, 1000), z=st.sampled_from([1.0, 1.959964]))
def test_any_degrees_are_near(degrees, z):
    assert student_t(degrees, z) == pytest.approx(stats.t.ppf(stats.norm.cdf(z), degrees), rel=0.03)


@given(degrees=st.floats(1, 50), more=st.floats(0.01, 10))
def test_falls_with_the_degrees(degrees, more):
    assert student_t(degrees + more) < student_t(degrees)
