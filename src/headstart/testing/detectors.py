"""What every detector of change promises: `headstart.monitoring.detectors.detector.Detector`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import MissingExtraError
from headstart.testing.checks import CheckSkipped, expect, expect_equal

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.detectors.detector import Detector
    from headstart.testing.checks import Subject

_N_REFERENCE = 500
_N = 400
_N_STREAMS = 12
_SHARE, _JUMPED_SHARE = 0.1, 0.8
_JUMP_SD = 2.0
_MAX_TIMES = 2.5  # of the false alarms that are promised: their number in a short simulation has a wide spread


@dataclass(frozen=True, kw_only=True)
class DetectorExample:
    """How a detector is tried out.

    Attributes
    ----------
    strictness : at which it finds a jump of a share from 10 to 80 %, or of a value by two standard deviations, within 400 values
    values_per_false_alarm : which it promises at that strictness; None where it promises none
    is_of_shares : whether it takes values of 0 and 1 alone
    """

    strictness: float
    values_per_false_alarm: float | None = None
    is_of_shares: bool = False


def cases(subject: Subject) -> dict[str, DetectorChecks]:
    """Values of 0 and 1, and normal ones where it takes them."""
    example: DetectorExample = subject.example
    shares = DetectorChecks(subject.part, example, _shares, _JUMPED_SHARE)
    return {"shares": shares} | (
        {} if example.is_of_shares else {"values": DetectorChecks(subject.part, example, _values, _JUMP_SD)}
    )


@dataclass(frozen=True)
class DetectorChecks:
    """A detector, and series that are stable or jump."""

    part: Callable[[FloatArray, float], Detector]
    example: DetectorExample
    draw: Callable[[np.random.Generator, int, float | None], FloatArray]
    jumped: float

    def check_says_what_strictness_means(self) -> None:
        """It says in a word or two what its strictness is."""
        said = getattr(self._made(0), "strictness_name", "")
        expect(isinstance(said, str) and said.strip(), f"Expected a name of its strictness, got {said!r}.")

    def check_raises_nothing_at_once(self) -> None:
        """The first value after the reference, which is one of its own, raises no alarm."""
        for seed in range(5):
            detector = self._made(seed)
            value = float(np.median(self._reference(seed)))
            expect(not detector.update(value), f"Expected no alarm at the first value, {value:g}, got one.")

    def check_finds_a_jump(self) -> None:
        """It finds a planted jump within 400 values, in each of 5 series."""
        for seed in range(5):
            detector, rng = self._made(seed), np.random.default_rng((1, seed))
            stable, after = self.draw(rng, 100, None), self.draw(rng, _N, self.jumped)
            self._alarms(detector, stable)
            expect(self._alarms(detector, after), f"Expected an alarm within {_N} values after the jump, got none.")

    def check_goes_on_after_an_alarm(self) -> None:
        """After an alarm it starts anew: the next value alone raises none, and a jump back to the reference is no error."""
        detector, rng = self._made(0), np.random.default_rng(2)
        values = self.draw(rng, _N, self.jumped)
        first = next(iter(self._alarms(detector, values)), None)
        expect(first is not None, f"Expected an alarm within {_N} values after the jump, got none.")
        # an equal detector, led to the same alarm, and then shown one value of the reference
        again = self._made(0)
        for value in values[: (first or 0) + 1]:
            again.update(float(value))
        usual = float(np.median(self._reference(0)))
        expect(not again.update(usual), f"Expected no alarm at the usual value {usual:g} after the alarm, got one.")

    def check_is_deterministic(self) -> None:
        """The same reference and values give the same alarms, and another detector in between changes nothing."""
        values = np.concatenate([self.draw(np.random.default_rng(3), 100, None), self._jump(3)])
        one, other, third = self._made(0), self._made(0), self._made(1)
        alarms: list[list[bool]] = [[], []]
        for value in values:
            alarms[0].append(bool(one.update(float(value))))
            third.update(float(value))
            alarms[1].append(bool(other.update(float(value))))
        expect_equal(alarms[1], alarms[0], "the alarms of an equal detector")

    def check_leaves_the_reference_alone(self) -> None:
        """It does not change the reference that it is given, nor is it changed where that is changed later."""
        reference = self._reference(0)
        before = reference.copy()
        detector, other = self._made_of(reference), self._made(0)
        values = self._jump(4)
        for value in values[: _N // 2]:
            detector.update(float(value))
        expect_equal(reference, before, "the reference afterwards")
        reference[:] = 1e6
        found = [bool(detector.update(float(value))) for value in values[_N // 2 :]]
        expected = [bool(other.update(float(value))) for value in values][_N // 2 :]
        expect_equal(found, expected, "the alarms after the array was changed")

    def check_keeps_its_promise_of_false_alarms(self) -> None:
        """Stable values raise no more false alarms than it promises, counted in a short simulation with room for chance."""
        promised = self.example.values_per_false_alarm
        if promised is None:
            return
        n_values = int(promised)
        n_alarms = 0
        for seed in range(_N_STREAMS):
            values = self.draw(np.random.default_rng((5, seed)), n_values, None)
            n_alarms += len(self._alarms(self._made(seed), values))
        expected = _N_STREAMS * n_values / promised
        expect(
            n_alarms <= _MAX_TIMES * expected,
            f"Expected about {expected:.0f} false alarms at most in {_N_STREAMS} series of {n_values} values, got {n_alarms}.",
        )

    def _made(self, seed: int) -> Detector:
        return self._made_of(self._reference(seed))

    def _made_of(self, reference: FloatArray) -> Detector:
        try:
            return self.part(reference, self.example.strictness)
        except MissingExtraError as error:
            raise CheckSkipped(f"its library is not installed; run it with: {error}") from error

    def _reference(self, seed: int) -> FloatArray:
        return self.draw(np.random.default_rng((0, seed)), _N_REFERENCE, None)

    def _jump(self, seed: int) -> FloatArray:
        return self.draw(np.random.default_rng((6, seed)), _N, self.jumped)

    @staticmethod
    def _alarms(detector: Detector, values: FloatArray) -> list[int]:
        return [i for i, value in enumerate(values) if detector.update(float(value))]


def _shares(rng: np.random.Generator, n: int, jumped: float | None) -> FloatArray:
    return (rng.random(n) < (_SHARE if jumped is None else jumped)).astype(np.float64)


def _values(rng: np.random.Generator, n: int, jumped: float | None) -> FloatArray:
    return rng.normal(jumped or 0.0, 1.0, n)


ADWIN = DetectorExample(strictness=500)
DDM = DetectorExample(strictness=3, is_of_shares=True)
KSWIN = DetectorExample(strictness=200)
PAGE_HINKLEY = DetectorExample(strictness=20)
SHIRYAEV_ROBERTS = DetectorExample(strictness=1000, values_per_false_alarm=1000)
