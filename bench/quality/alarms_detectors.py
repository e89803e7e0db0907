"""Detectors of one series beside each other for `bench.quality.alarms`, each as strict as gives no more false alarms than ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray

OURS = "shiryaev-roberts"
GRIDS: dict[str, Sequence[float]] = {
    "adwin": (10, 100, 500, 1e4, 1e6, 1e8),
    "page-hinkley": (5, 10, 20, 50, 100, 200),
    "kswin": (200, 2e3, 2e4, 2e5),
}
SLOW = {"kswin"}  # a test a record
Series = tuple["FloatArray", "FloatArray"]
"""A reference and the values that follow it."""


def alarms_of(name: str, strictness: float, series: Series, **options: Any) -> list[int]:
    """The places of the alarms."""
    detector = registry.get("detectors", name)(series[0], strictness, **options)
    return [place for place, value in enumerate(series[1]) if detector.update(float(value))]


def n_alarms(name: str, strictness: float, stable: Sequence[Series], **options: Any) -> int:
    """The alarms on stable series, all of which are false."""
    return sum(len(alarms_of(name, strictness, one, **options)) for one in stable)


def matched(name: str, stable: Sequence[Series], most: float) -> tuple[float, int]:
    """The laxest setting that gives no more false alarms than `most` a series, and how many it gave."""
    counts: list[tuple[float, int]] = []
    for strictness in sorted(GRIDS[name], reverse=True):
        found = n_alarms(name, strictness, stable)
        if found > most * len(stable) and counts:
            break
        counts.append((strictness, found))
        if found > most * len(stable):
            break
    return counts[-1]


def found_and_delay(places: Sequence[Sequence[int]], start: int) -> str:
    """The share of series with an alarm after the change, and the median delay of those."""
    delays = [min(place for place in one if place >= start) - start for one in places if any(p >= start for p in one)]
    share = len(delays) / max(len(places), 1)
    return f"{share:.2f} @ {np.median(delays):.0f}" if delays else "0"
