"""The e-detector of this folder on one series."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.monitoring.ensemble import Ensemble, Member
from headstart.monitoring.ranks import counts_of, edges_of

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.monitoring.bets import Kind


class ShiryaevRoberts:
    """Bets on ranks; `strictness` is the number of values for which one false alarm is allowed.

    Parameters
    ----------
    kind : 'loss' to look for higher values alone, 'value' for any change

    >>> detector = ShiryaevRoberts(np.random.default_rng(0).normal(size=300), 1000.0)
    >>> any(detector.update(4.0) for _ in range(30))
    True
    """

    strictness_name: ClassVar[str] = "values for one false alarm"

    def __init__(self, reference: FloatArray, strictness: float, *, kind: Kind = "value", seed: int = 0) -> None:
        edges = edges_of(reference)
        member = Member(name="value", group="value", kind=kind, edges=edges, counts=counts_of(edges, reference))
        self._ensemble = Ensemble([member], seed=seed)
        self._threshold = strictness

    def update(self, value: float) -> bool:
        """Look at the next value."""
        return any(True for _ in self._ensemble.update(np.array([[value]]), self._threshold))
