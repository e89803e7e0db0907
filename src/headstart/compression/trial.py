"""Goal and Trial: what a variant must reach, and what a tried one did reach."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from headstart.core.errors import OptionError, unknown_name

if TYPE_CHECKING:
    from headstart.compression.measuring import Measured
    from headstart.compression.method import Place, Variant
    from headstart.core.report import Score

Purpose = Literal["size", "speed", "both"]
PURPOSES: tuple[Purpose, ...] = ("size", "speed", "both")
_MIN_TOLERANCE = 1e-6
_SMALLER = 0.95  # of the original's size: less is not worth another bundle


@dataclass(frozen=True, kw_only=True)
class Goal:
    """When a variant is kept.

    Attributes
    ----------
    tolerance : how far the headline metric may fall, by the lower end of the paired interval; in the metric's unit
    purpose : what has to become better where no target is given: 'size', whatever the time; 'speed', at no larger size; or 'both'
    target_ms : maximum time for a single item
    target_mib : maximum size
    """

    tolerance: float = 0.01
    purpose: Purpose = "size"
    target_ms: float | None = None
    target_mib: float | None = None

    def __post_init__(self) -> None:
        if self.purpose not in PURPOSES:
            raise unknown_name("purpose", self.purpose, PURPOSES)
        if not 0 <= self.tolerance <= 1:
            raise OptionError(f"tolerance must be between 0 and 1, got {self.tolerance!r}. 0.01 is one point.")
        for name, value in (("target_ms", self.target_ms), ("target_mib", self.target_mib)):
            if value is not None and not value > 0:
                raise OptionError(f"{name} must be above 0, got {value!r}. Use a positive number, or leave it out.")

    @property
    def is_target(self) -> bool:
        """Whether a time or a size is given."""
        return self.target_ms is not None or self.target_mib is not None

    @property
    def is_size_alone(self) -> bool:
        """Whether only the size matters, not the time."""
        return self.target_ms is None and (self.target_mib is not None or self.purpose == "size")

    @property
    def most_of_size(self) -> float:
        """The largest size without a target, as a share of the original's."""
        return 1.0 if self.is_target or self.purpose == "speed" else _SMALLER


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A variant that was tried, or, without a variant, a method that does not apply.

    Attributes
    ----------
    methods : names of the methods, in the order in which they were applied
    place : what the method changes; None for a combination
    original_mib : size of the original
    note : what the figures do not show, or why there are none
    """

    methods: tuple[str, ...]
    place: Place | None = None
    goal: Goal
    original_mib: float
    variant: Variant | None = None
    measured: Measured | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """The methods joined by a plus."""
        return " + ".join(self.methods)

    @property
    def is_accurate(self) -> bool:
        """Whether the metric falls by less than the tolerance, by the paired interval."""
        return self.measured is not None and self.measured.gain.low > -self.goal.tolerance

    @property
    def kept(self) -> bool:
        """Whether all conditions hold."""
        return self.measured is not None and not self.failed

    @cached_property
    def failed(self) -> tuple[str, ...]:
        """Which conditions do not hold, and by how much; empty without figures."""
        if self.measured is None:
            return ()
        return tuple(filter(None, (self._accuracy(), self._time(), self._size())))

    @property
    def excess(self) -> float:
        """Factor by which the worst condition is missed; at most 1 if all hold."""
        assert self.measured is not None
        goal, m = self.goal, self.measured
        time = m.latency.high if goal.target_ms is None else m.latency.ms / goal.target_ms
        loss = max(0.0, -m.gain.low) / max(goal.tolerance, _MIN_TOLERANCE)
        size_mib = goal.target_mib or self.original_mib * goal.most_of_size
        return max(loss, m.size_mib / size_mib, 0.0 if goal.is_size_alone else time)

    @property
    def remedy(self) -> str:
        """The options with which it would be kept; empty if it is, or if there are none."""
        if self.measured is None or self.kept:
            return ""
        options, goal, m = [], self.goal, self.measured
        if self._accuracy():
            share = math.ceil(-1000 * m.gain.low + _MIN_TOLERANCE) / 1000
            options.append(f"--tolerance {100 * share:g}%")
            goal = replace(goal, tolerance=min(share, 1.0))
        for name, least, margin in (
            ("target_ms", m.latency.ms, 1.1),
            ("target_mib", m.size_mib, 1.01),
        ):  # another run takes another time
            target = getattr(goal, name)
            if target is not None and target < least:
                relaxed = float(f"{margin * least:.3g}")
                options.append(f"--{name.replace('_', '-')} {relaxed:g}")
                changes: dict[str, Any] = {name: relaxed}
                goal = replace(goal, **changes)
        for purpose in () if goal.is_target or replace(self, goal=goal).kept else PURPOSES:
            if replace(self, goal=replace(goal, purpose=purpose)).kept:
                options.append(f"--for {purpose}")
                goal = replace(goal, purpose=purpose)
                break
        return " ".join(options) if replace(self, goal=goal).kept else ""

    def to_dict(self) -> dict[str, Any]:
        """A row of the table, ready for JSON."""
        row: dict[str, Any] = {"name": self.name, "methods": list(self.methods), "kept": self.kept}
        if self.measured is not None:
            row |= {**asdict(self.measured), "failed": list(self.failed)}
        return {**row, "note": self.note}

    def _accuracy(self) -> str:
        assert self.measured is not None
        m = self.measured
        if self.is_accurate:
            return ""
        return f"{m.score.name} may fall by {_amount(-m.gain.low, m.gain)}, over {_amount(self.goal.tolerance, m.gain)}"

    def _time(self) -> str:
        assert self.measured is not None
        latency, target = self.measured.latency, self.goal.target_ms
        if self.goal.is_size_alone:
            return ""
        if target is not None and latency.ms > target:
            return f"{latency.ms:.3g} ms is over {target:g} ms"
        if latency.high >= 1:
            return f"no faster: {latency.ratio:.2f} times the time ({latency.low:.2f} to {latency.high:.2f})"
        return ""

    def _size(self) -> str:
        assert self.measured is not None
        size, target = self.measured.size_mib, self.goal.target_mib
        if target is not None:
            return "" if size <= target else f"{size:.3g} MiB is over {target:g} MiB"
        if size > self.original_mib:
            return f"{size:.3g} MiB is larger than the original"
        is_small = size <= self.original_mib * self.goal.most_of_size
        return "" if is_small else f"{size:.3g} MiB of {self.original_mib:.3g} is no smaller"


def _amount(loss: float, gain: Score) -> str:
    """In points of a metric that is at best 1, else in its own unit."""
    if gain.unit != "fraction":
        return f"{loss:.4g}"
    return f"{100 * loss:.4g} {'point' if f'{100 * loss:.4g}' == '1' else 'points'}"
