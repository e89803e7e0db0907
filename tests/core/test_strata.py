"""Quarters of a value: equal parts, in the order of the values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.strata import quarters


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array))
def test_quarters_are_even_and_ordered(values):
    found = quarters(values)
    assert np.ptp(np.bincount(found, minlength=4)) <= 1
    assert (np.diff(found[values.argsort(kind="stable")]) >= 0).all()
