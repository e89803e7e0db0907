"""Tests of `monitoring/detectors/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from headstart.core import registry
from headstart.testing import checks_of

if TYPE_CHECKING:
    from headstart.testing import Check


@pytest.mark.parametrize("check", checks_of("detectors"), ids=str)
def test_a_detector_keeps_its_promises(check: Check) -> None:
    check()


def test_one_alarm_of_ours_is_no_burst() -> None:
    """After an alarm the evidence is counted anew at once, so that the next value alone raises none."""
    detector = registry.get("detectors", "shiryaev-roberts")(np.random.default_rng(1).normal(size=300), 10_000.0)
    alarms = [i for i in range(200) if detector.update(4.0)]
    assert len(alarms) > 1
    assert min(np.diff(alarms)) > 3
