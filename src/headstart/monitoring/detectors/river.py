"""Detectors of river behind the protocol: they know no reference but what they see, so the reference is shown to them first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import require

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray


class _OfRiver:
    """A detector of river that has an `update` and says `drift_detected`; the last `n_shown` values of the reference are shown to it."""

    strictness_name: ClassVar[str]
    n_shown: ClassVar[int] = 1000

    def __init__(self, reference: FloatArray, strictness: float) -> None:
        library = require("river.drift", extra="watch", purpose="a detector of river")
        self._library, self._strictness = library, strictness
        self._shown = np.array(reference, np.float64)  # a copy: it is shown again after each alarm
        self._start()

    def update(self, value: float) -> bool:
        """Look at the next value."""
        self._detector.update(self._given(value))
        if not self._detector.drift_detected:
            return False
        self._start()
        return True

    def _start(self) -> None:
        self._detector = self._make(self._library, self._strictness)
        for value in self._shown[-self.n_shown :]:
            self._detector.update(self._given(float(value)))

    def _given(self, value: float) -> Any:
        return value

    @staticmethod
    def _make(library: Any, strictness: float) -> Any:
        raise NotImplementedError


class Adwin(_OfRiver):
    """ADWIN (Bifet and Gavaldà 2007); `strictness` is 1 / delta."""

    strictness_name: ClassVar[str] = "1 / delta"

    @staticmethod
    def _make(library: Any, strictness: float) -> Any:
        return library.ADWIN(delta=1 / strictness)


class PageHinkley(_OfRiver):
    """The test of Page and Hinkley, in both directions; `strictness` is its threshold."""

    strictness_name: ClassVar[str] = "threshold"

    @staticmethod
    def _make(library: Any, strictness: float) -> Any:
        return library.PageHinkley(threshold=strictness)


class Kswin(_OfRiver):
    """A Kolmogorov-Smirnov test in a sliding window (Raab et al. 2020); `strictness` is 1 / alpha."""

    strictness_name: ClassVar[str] = "1 / alpha"
    n_shown: ClassVar[int] = 100  # its window

    @staticmethod
    def _make(library: Any, strictness: float) -> Any:
        return library.KSWIN(alpha=1 / strictness, seed=0)


class Ddm(_OfRiver):
    """The drift detection method (Gama et al. 2004), of errors that are 0 or 1; `strictness` in standard deviations."""

    strictness_name: ClassVar[str] = "standard deviations"

    def _given(self, value: float) -> Any:
        return value > 0.5

    @staticmethod
    def _make(library: Any, strictness: float) -> Any:
        return library.binary.DDM(drift_threshold=strictness, warning_threshold=strictness)
