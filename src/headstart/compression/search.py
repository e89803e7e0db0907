"""Search: try every method alone, then combinations, and pick the best variant that reaches the goal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.compression.method import PLACES, NotApplicable, Variant
from headstart.compression.trial import Trial
from headstart.core import registry
from headstart.reporting import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.compression.measuring import Reference
    from headstart.compression.method import CalibrationSet, CompressionMethod, Place
    from headstart.compression.trial import Goal

_MAX_COMBINATIONS = 8
_SAME = 1.05  # times, and sizes, within this ratio count as equal


def search(
    reference: Reference,
    calibration: CalibrationSet,
    goal: Goal,
    methods: Sequence[CompressionMethod],
) -> list[Trial]:
    """Try each method alone, then the most promising combinations of those that keep the accuracy.

    With a target, the search ends at the first combination that reaches it; without one, the best few are tried.
    """
    runner = _Trials(reference, calibration, goal)
    trials = [trial for method in methods for trial in runner.alone(method)]
    if goal.is_target and any(trial.kept for trial in trials):
        return trials
    for group, following in _combinations(trials, methods, goal):
        try:
            trials.append(runner.together(group, following))
        except NotApplicable:  # one of them has already changed what another would change
            continue
        if goal.is_target and trials[-1].kept:
            break
    return trials


@dataclass(frozen=True)
class _Trials:
    """Makes and measures variants, and reports each."""

    reference: Reference
    calibration: CalibrationSet
    goal: Goal

    def alone(self, method: CompressionMethod) -> Iterator[Trial]:
        """Measure every variant of one method; if there is none, a trial without figures says why."""
        try:
            for variant in method.variants(self.reference.original, self.calibration):
                yield self._measured(variant, (variant.name,), method.place)
        except NotApplicable as reason:
            yield self._reported(self._trial((method.name,), note=str(reason)))

    def together(self, first: Trial, following: Sequence[CompressionMethod]) -> Trial:
        """Apply further methods to a variant, one after the other, and measure the result."""
        assert first.variant is not None
        packed, names = first.variant.packed, first.methods
        for method in following:
            packed, names = next(iter(method.variants(packed, self.calibration))).packed, (*names, method.name)
        return self._measured(Variant(name=" + ".join(names), packed=packed, note=first.note), names)

    def _measured(self, variant: Variant, names: tuple[str, ...], place: Place | None = None) -> Trial:
        measured = self.reference.measure(variant.packed)
        return self._reported(self._trial(names, place=place, variant=variant, measured=measured, note=variant.note))

    def _trial(self, names: tuple[str, ...], **fields: Any) -> Trial:
        return Trial(methods=names, goal=self.goal, original_mib=self.reference.original.size_mib, **fields)

    def _reported(self, trial: Trial) -> Trial:
        self.calibration.context.notice("trial", line_of(trial))
        self.calibration.context.cancel_token.raise_if_cancelled(trial.name)
        return trial


def best_of(trials: Sequence[Trial], goal: Goal) -> Trial | None:
    """The kept variant with the smallest loss if there is a target; else the best for the purpose.

    That is the smallest or the fastest, and among nearly equal ones the one that is better otherwise; for both, the one with the smallest
    product of time and size.
    """
    kept = [(trial, trial.measured) for trial in trials if trial.kept and trial.measured is not None]
    if not kept:
        return None
    if goal.is_target:
        return max(kept, key=lambda pair: (pair[1].gain.value, pair[1].gain.low, -pair[1].size_mib))[0]
    if goal.purpose == "both":
        return min(kept, key=lambda pair: pair[1].size_mib * pair[1].latency.ratio)[0]
    costs = [(measured.size_mib, measured.latency.ratio) for _, measured in kept]
    if goal.purpose == "speed":
        costs = [(ratio, size_mib) for size_mib, ratio in costs]
    most = min(first for first, _ in costs) * _SAME
    best = min((second, place) for place, (first, second) in enumerate(costs) if first <= most)[1]
    return kept[best][0]


def nearest_miss(trials: Sequence[Trial]) -> Trial | None:
    """The trial nearest to the goal; None if nothing was measured."""
    return min((trial for trial in trials if trial.measured is not None), key=lambda trial: trial.excess, default=None)


def all_methods(names: Sequence[str] | None = None) -> list[CompressionMethod]:
    """The methods of these names, or all, in the order in which a combination applies them.

    Raises
    ------
    OptionError
        There is no method of that name.
    """
    chosen = registry.names("compression_methods") if names is None else names
    made: list[CompressionMethod] = [registry.get("compression_methods", name)() for name in chosen]
    return sorted(made, key=lambda method: (PLACES.index(method.place), method.name))


def line_of(trial: Trial) -> str:
    """One trial as a line of text."""
    if trial.measured is None:
        return f"  {trial.name:<28} nothing to do: {trial.note}"
    m = trial.measured
    line = f"  {trial.name:<28} {m.size_mib:7.2f} MiB  {m.score.name} {wording.amount(m.score)}, "
    line += f"{wording.amount(m.gain, signed=True)} ({wording.interval(m.gain, signed=True)})  {m.latency.ms:.3g} ms for {m.latency.original_ms:.3g} "
    line += f"({m.latency.ratio:.2f} times, {m.latency.low:.2f} to {m.latency.high:.2f})  "
    return line + ("kept" if trial.kept else "; ".join(trial.failed)) + (f" [{trial.note}]" if trial.note else "")


def _combinations(
    trials: Sequence[Trial], methods: Sequence[CompressionMethod], goal: Goal
) -> Iterator[tuple[Trial, tuple[CompressionMethod, ...]]]:
    """Variants with further methods to apply to them, the most promising first; at most eight.

    Each method alone keeps the accuracy. Without a target, the best for the purpose comes first.
    """
    known = {method.name: method for method in methods}
    accurate = [trial for trial in trials if trial.is_accurate]
    found = [
        group
        for size in range(2, len(PLACES) + 1)
        for group in itertools.combinations(accurate, size)
        if len({trial.place for trial in group}) == size and all(trial.name in known for trial in group[1:])
    ]
    found.sort(key=lambda group: _promise(group, goal))
    for group in found[:_MAX_COMBINATIONS]:
        yield group[0], tuple(known[trial.name] for trial in group[1:])


def _promise(group: Sequence[Trial], goal: Goal) -> tuple[bool, float]:
    """Sort key of a combination: whether it would miss a target if the ratios of its parts multiply, then its expected loss."""
    loss, ms, mib = 0.0, 1.0, 1.0
    for trial in group:
        assert trial.measured is not None
        loss -= trial.measured.gain.value
        ms *= trial.measured.latency.ratio
        mib *= trial.measured.size_mib / trial.original_mib
    if not goal.is_target:
        return False, (1.0 if goal.is_size_alone else ms) * (1.0 if goal.purpose == "speed" else mib)
    first = group[0].measured
    assert first is not None
    is_hopeless = ms * first.latency.original_ms > (goal.target_ms or float("inf"))
    return is_hopeless or mib * group[0].original_mib > (goal.target_mib or float("inf")), loss
