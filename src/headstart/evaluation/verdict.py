"""Verdict: paired gains become a verdict and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.report import NOTHING_TRANSFERRED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.report import BaselineResult, Score, Verdict


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the held-out items say about transfer; what ships is another question (`evaluation.shipping`).

    Attributes
    ----------
    baseline : name of the best baseline, which `gain` is measured against; None if none was run
    """

    verdict: Verdict
    sentence: str
    baseline: str | None
    gain: Score | None


def best_baseline(baselines: Sequence[BaselineResult]) -> BaselineResult | None:
    """The baseline with the smallest gain of the model over it; in a tie the first, which is the cheapest."""
    return min(baselines, key=lambda baseline: baseline.gain.value, default=None)


def judge(baselines: Sequence[BaselineResult], *, unit: str | None = None, is_pretrained: bool = True) -> Judgement:
    """Judge the model against its best baseline.

    The baseline is the best one on the same test items, so this is the strictest comparison.

    Parameters
    ----------
    unit : the unit of a regression's target, for the sentence
    is_pretrained : whether any model had a pretrained part; else nothing is said of transfer
    """
    baseline = best_baseline(baselines)
    if baseline is None:
        return Judgement(
            verdict="not proven",
            sentence="Not proven: no baseline was run, so it is unknown whether transfer helped.",
            baseline=None,
            gain=None,
        )
    gain = baseline.gain
    if not is_pretrained:
        return Judgement(
            verdict=NOTHING_TRANSFERRED,
            sentence="Nothing transferred: no pretrained source is read, and the models compared are plain ones.",
            baseline=baseline.name,
            gain=gain,
        )
    amount, interval = amount_of(gain, unit), _interval(gain, unit)
    metric, name = gain.name.removeprefix("gain in "), baseline.title or baseline.name
    if gain.low > 0:
        verdict: Verdict = "transfer helps"
        sentence = f"Transfer helps: {amount} better in {metric} than the best baseline, {name}."
    elif gain.high < 0:
        verdict = "transfer hurts"
        sentence = f"Transfer hurts: {amount} worse in {metric} than {name}."
    else:
        verdict = "no significant gain"
        sentence = (
            f"No significant gain: {amount} {'worse' if gain.value < 0 else 'better'} in {metric} than {name}, "
            f"but the interval holds zero ({interval})."
        )
    return Judgement(verdict=verdict, sentence=sentence, baseline=baseline.name, gain=gain)


def _interval(gain: Score, unit: str | None) -> str:
    return f"95 % interval {_number(gain.low, gain)} to {_number(gain.high, gain)}{_suffix(gain, unit)}"


def amount_of(gain: Score, unit: str | None = None) -> str:
    """Its size without the sign, with the unit."""
    return f"{_number(abs(gain.value), gain).removeprefix('+')}{_suffix(gain, unit)}"


def _number(value: float, gain: Score) -> str:
    if gain.unit != "fraction":
        return f"{value:+.3g}"
    points = f"{100 * value:+.1f}"
    # "-0.0" would hide the sign
    return f"{100 * value:+.1g}" if value and float(points) == 0 else points


def _suffix(gain: Score, unit: str | None) -> str:
    if gain.unit == "fraction":
        return " points"
    return f" {gain.unit}" if gain.unit != "target" else f" {unit}" if unit else ""
