"""Energy: an estimate from the seconds that the processor worked; nothing is measured at the socket."""

from __future__ import annotations

import resource

WATTS_PER_CORE = 10.0
"""A busy core of a laptop or a server draws roughly 5 to 15 W with its share of memory and supply (Lannelongue et al., Green
Algorithms, Advanced Science 2021, lists 6 to 15 W a core for common processors); true figures differ up to twofold."""


def cpu_seconds() -> float:
    """Seconds that all cores together worked for this process and for those of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def energy_wh(cpu_s: float) -> float:
    """Estimate watt-hours for that many seconds of one core.

    >>> energy_wh(360)
    1.0
    """
    return cpu_s * WATTS_PER_CORE / 3600
