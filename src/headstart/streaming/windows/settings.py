"""Which windows are made: their kind and length, what time and group a record has, and where they go."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from headstart.streaming.windows.assigning import Assigner

ARRIVAL = "arrival"
_UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST_DAYS, _MOST_WINDOWS = 3660, 1440
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def microseconds(text: str, option: str) -> int:
    """Read a length of time.

    >>> microseconds("90s", "--window"), microseconds("1.5m", "--window")
    (90000000, 90000000)

    Raises
    ------
    OptionError
        It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"{option} must be a length of time such as 500ms, 30s, 1m, 2h or 1d, not '{text[:40]}'.")
    length_us = float(found[1]) * _UNITS_US[found[2]]
    if length_us > _LONGEST_DAYS * _UNITS_US["d"]:
        raise OptionError(f"{option} must be {_LONGEST_DAYS} days at most, not '{text[:40]}'.")
    return round(length_us)


@dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """What the window options of `headstart stream` say; lengths of time are texts such as `30s`.

    Attributes
    ----------
    to : where windows go: a folder, `postgresql://…`, or any address that answers can go to
    size : length of a window; with `every` windows overlap (sliding), without it they do not (tumbling)
    every : how far apart the beginnings of sliding windows are
    gap : instead of a size: a window ends after so long a silence of its group (session)
    by : the field whose value is the group; None: all records are one
    time : the field that says when it happened (ISO 8601, or seconds since 1970); `arrival`: when it is counted; None: the record's own
    lateness : how much older than the newest record one may be and still be counted
    label, label_time : fields of the true label, and of when it became known
    keep_open : leave windows that are not over open when the input ends, for another run that goes on with it
    """

    to: str
    size: str | None = None
    every: str | None = None
    gap: str | None = None
    by: str | None = None
    time: str | None = None
    lateness: str = "0s"
    label: str | None = None
    label_time: str | None = None
    keep_open: bool = False

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        OptionError
            A length is none, or kinds of windows are mixed.
        """
        if (self.size is None) == (self.gap is None):
            raise OptionError("windows have a length (--window 1m) or end after a silence (--window-gap 5m): give one.")
        if self.every is not None and self.size is None:
            raise OptionError("--window-every goes with --window, not with --window-gap.")
        if self.label_time is not None and self.label is None:
            raise OptionError("--window-label-time goes with --window-label.")
        self.assigner()
        self.lateness_us()

    def assigner(self) -> Assigner:
        """Give what finds the windows of a time; raises as `check` does."""
        from headstart.streaming.windows.assigning import Assigner

        size = None if self.size is None else microseconds(self.size, "--window")
        every = size if self.every is None else microseconds(self.every, "--window-every")
        gap = None if self.gap is None else microseconds(self.gap, "--window-gap")
        for option, value in {"--window": size, "--window-every": every, "--window-gap": gap}.items():
            if value == 0:
                raise OptionError(f"{option} must be longer than 0.")
        if size is not None and every is not None and every > size:
            raise OptionError(
                f"--window-every {self.every} is longer than --window {self.size}: records would be in no window."
            )
        if size is not None and every is not None and size > _MOST_WINDOWS * every:
            raise OptionError(
                f"each record would be in {size // every:,} windows of {self.size}, one every {self.every}; {_MOST_WINDOWS:,} are the most. Give a longer --window-every."
            )
        return Assigner(size_us=size, every_us=every, gap_us=gap)

    def lateness_us(self) -> int:
        """How late a record may be, microseconds."""
        return microseconds(self.lateness, "--window-lateness")

    def said(self) -> dict[str, Any]:
        """What makes two runs' windows the same: all but where they go, and what happens at the end."""
        return {name: value for name, value in asdict(self).items() if name not in ("to", "keep_open")}
