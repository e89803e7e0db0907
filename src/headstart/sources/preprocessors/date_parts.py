"""Parts of a date: when it was, and where in the year, the week and the day.

Waves are triangles, not sines: they are computed alike to the last bit in NumPy, in a graph and anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray

YEAR_2000_S = 946_684_800  # a Saturday, 0:00 UTC
DAY_S = 86_400
YEAR_DAYS = 365.2425
SATURDAY = 5  # days after Monday

PARTS = ("days", "season", "season a quarter on", "weekday", "weekend", "hour", "daytime", "daytime a quarter on")
"""Days since 2000; waves through the year; days after Monday; 1 on Saturdays and 2 on Sundays; hours; waves through the day."""


def date_parts(seconds: FloatArray) -> FloatArray:
    """Give the parts of dates, shape (n, 8), float64; NaN where a date is.

    Parameters
    ----------
    seconds : since 1970 UTC, shape (n,)

    >>> date_parts(np.array([946_684_800.0 + 36 * 3600]))[0].round(2).tolist()
    [1.5, 0.98, -0.02, 6.0, 2.0, 12.0, -1.0, 0.0]
    """
    with np.errstate(invalid="ignore"):  # an infinite date is nowhere in the year
        days = (seconds - YEAR_2000_S) / DAY_S
        year, day = days / YEAR_DAYS, np.floor(days)
        week = day + SATURDAY
        weekday = week - np.floor(week / 7) * 7
        late = weekday - (SATURDAY - 1)
        clock = days - day
        parts = (days, _wave(year), _wave(year + 0.25), weekday, (late + np.abs(late)) / 2)
        return np.stack([*parts, clock * 24, _wave(clock), _wave(clock + 0.25)], axis=1)


def _wave(turns: FloatArray) -> FloatArray:
    """1 at whole turns, -1 between them."""
    return np.abs(turns - np.floor(turns) - 0.5) * 4 - 1
