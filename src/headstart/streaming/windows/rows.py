"""Rows: what is written of windows, the same in files, in a database and as events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headstart.streaming.windows.aggregate import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.windows.store import Late, Window

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_WINDOW = {"window_start": "time", "window_end": "time", "group_value": "string"}
TABLES: dict[str, dict[str, str]] = {
    "windows": {
        **_OF_WINDOW,
        "n": "integer",
        "n_dead": "integer",
        "rate_per_s": "real",
        "n_anomalies": "integer",
        "anomaly_rate": "real",
        "score_mean": "real",
        **{f"score_p{q:02}": "real" for q in QUANTILES},
        "n_labelled": "integer",
        "accuracy": "real",
        "label_delay_p50_s": "real",
        "label_delay_p95_s": "real",
    },
    "classes": {**_OF_WINDOW, "label": "string", "n": "integer", "share": "real", "rate_per_s": "real"},
    "late": {**_OF_WINDOW, "n": "integer"},
}
"""Tables with the kind of each column."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """All that is written of one stretch of time, of every group.

    Attributes
    ----------
    start, stop : microseconds since 1970 UTC
    rows : by table; a table that is not there is left as it is
    """

    start: int
    stop: int
    rows: dict[str, list[Row]]


def stretches(windows: Sequence[Window], late: Sequence[Late]) -> list[Stretch]:
    """Put windows and late counts in rows, by time."""
    found: dict[tuple[int, int], dict[str, list[Row]]] = {}
    for one in windows:
        tables = found.setdefault((one.start, one.stop), {})
        said = _of_window(one.start, one.stop, one.group)
        seconds = (one.stop - one.start) / 1e6
        tables.setdefault("windows", []).append(said | one.aggregate.row(seconds))
        tables.setdefault("classes", []).extend(said | row for row in one.aggregate.class_rows(seconds))
    for row in late:
        tables = found.setdefault((row.start, row.stop), {})
        tables.setdefault("late", []).append(_of_window(row.start, row.stop, row.group) | {"n": row.n})
    return [Stretch(start=start, stop=stop, rows=rows) for (start, stop), rows in sorted(found.items())]


def moment(time_us: int) -> datetime:
    """A time of UTC.

    >>> moment(60_000_000).isoformat()
    '1970-01-01T00:01:00+00:00'
    """
    return _EPOCH + timedelta(microseconds=time_us)


def _of_window(start: int, stop: int, group: str) -> Row:
    return {"window_start": moment(start), "window_end": moment(stop), "group_value": group}
