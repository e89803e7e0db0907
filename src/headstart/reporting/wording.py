"""Format numbers for people: percent, points, intervals, durations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.core.report import Score

_SECONDS_A_MINUTE = 60
_MANY_SECONDS = 600
_SMALLEST = 1e-6  # a gain below is rounding
_NO_BREAK = "\N{NO-BREAK SPACE}"


def amount(score: Score, *, signed: bool = False) -> str:
    r"""Format the value of a score: percent of what is at best 1, points for a gain in it, else in its own unit.

    >>> from headstart.core.report import Score
    >>> amount(Score(name="accuracy", value=0.837, low=0.81, high=0.86))
    '83.7\xa0%'
    >>> amount(Score(name="accuracy", value=0.041, low=0.01, high=0.07), signed=True)
    '+4.1'
    """
    return _format(score, score.value, signed=signed) + (f"{_NO_BREAK}%" if _is_share(score) and not signed else "")


def interval(score: Score, *, signed: bool = False) -> str:
    """Format the 95 % interval of a score, in the unit of `amount`.

    >>> from headstart.core.report import Score
    >>> interval(Score(name="ROC AUC", value=0.91, low=0.875, high=0.9412))
    '87.5 to 94.1'
    """
    if score.low == score.high:
        return ""
    return f"{_format(score, score.low, signed=signed)} to {_format(score, score.high, signed=signed)}"


def unit(score: Score) -> str:
    """The unit of a gain in this score."""
    if _is_share(score):
        return f"points of {score.name.removeprefix('gain in ')}"
    return axis_title(score)


def axis_factor(score: Score) -> float:
    """The factor of values on an axis: 100 for percent."""
    return 100.0 if _is_share(score) else 1.0


def axis_title(score: Score, *, signed: bool = False) -> str:
    """The title of an axis, with its unit."""
    if _is_share(score):
        return f"{score.name}, {'points' if signed else '%'}"
    return f"{score.name}, {score.unit}" if score.unit else score.name


def number(value: Any) -> str:
    """Format a number with thousands separators; text is not changed.

    >>> number(4650000), number(0.41), number("Apache-2.0")
    ('4,650,000', '0.41', 'Apache-2.0')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if not math.isfinite(value):
        return "not known"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def duration(seconds: float) -> str:
    """Format a duration.

    >>> duration(0.8), duration(17.24), duration(95), duration(4000)
    ('0.80 s', '17.2 s', '95 s', '67 min')
    """
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < _SECONDS_A_MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < _MANY_SECONDS else f"{seconds / _SECONDS_A_MINUTE:.0f} min"


def _is_share(score: Score) -> bool:
    """Whether the score is one of 1: a share, an area, F1, R². All are shown in percent, so that a page has one unit."""
    return score.unit == "fraction"


def _format(score: Score, value: float, *, signed: bool) -> str:
    if not math.isfinite(value):
        return "not known"
    sign = "+" if signed else ""
    if _is_share(score):
        points = f"{100 * value:{sign}.1f}"
        is_hidden = (
            signed and abs(value) > _SMALLEST and float(points) == 0
        )  # "+0.0" would hide on which side of zero it is
        return f"{100 * value:{sign}.1g}" if is_hidden else points
    return f"{value:{sign}.3f}" if score.unit == "nats" else f"{value:{sign},.4g}"
