"""What every detector offers."""

from __future__ import annotations

from typing import ClassVar, Protocol


class Detector(Protocol):
    """A detector of change. Registered in `headstart.detectors` as a function that makes one.

    The function takes the reference, shape (n,), of values while nothing changes, and `strictness`, which is larger for fewer false
    alarms. What it means is the detector's own; `strictness_name` says it.
    """

    strictness_name: ClassVar[str]

    def update(self, value: float) -> bool:
        """Look at the next value; True where this raises an alarm, after which the detector starts anew."""
        ...
