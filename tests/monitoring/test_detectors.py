"""Tests of `monitoring/detectors/`."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from headstart.core import registry
from missing import needs

STRICTNESS = {"adwin": 500, "ddm": 3, "kswin": 2000, "page-hinkley": 20, "shiryaev-roberts": 1000}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            one, marks=[] if one == "shiryaev-roberts" else [needs("river", present=find_spec("river") is not None)]
        )
        for one in registry.names("detectors")
    ],
)
def test_a_detector_finds_a_change_and_starts_anew(name: str) -> None:
    rng = np.random.default_rng(0)
    reference = (rng.random(600) < 0.1) * 1.0
    detector = registry.get("detectors", name)(reference, STRICTNESS[name])
    before = [detector.update(float(value)) for value in rng.random(100) < 0.1]
    after = [detector.update(float(value)) for value in rng.random(400) < 0.6]
    assert sum(before) == 0
    assert sum(after) >= 1


def test_one_alarm_of_ours_is_no_burst() -> None:
    """After an alarm the evidence is counted anew at once, so that the next value alone raises none."""
    detector = registry.get("detectors", "shiryaev-roberts")(np.random.default_rng(1).normal(size=300), 10_000.0)
    alarms = [i for i in range(200) if detector.update(4.0)]
    assert len(alarms) > 1
    assert min(np.diff(alarms)) > 3
