"""Tests of `monitoring/history.py`."""

from __future__ import annotations

import numpy as np

from headstart.monitoring.history import History


def test_a_version_that_gives_no_features_adds_nothing_to_their_sums():
    history = History()
    for place, sums in enumerate([{"a": 1.0, "features": 2.0}, {"a": 3.0}, {"a": 5.0, "features": 7.0}]):
        history.add(1, lambda _, sums=sums: {name: np.array([one]) for name, one in sums.items()}, first=place)
    assert [part["features"][0] for part, _ in history.course(lambda sums: float(sums["a"][0]))] == [2.0, 0.0, 7.0]
    assert history.resampled(lambda sums: sums["features"]).shape == (400, 1)
    again = History.from_arrays(history.arrays())
    np.testing.assert_array_equal(again.total()["features"], [9.0])
